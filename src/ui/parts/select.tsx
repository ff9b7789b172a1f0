// A choice among few; the first narrows nothing.

type SelectProps = {
  label: string;
  value: string;
  options: readonly string[];
  /** How an option is written, where not as it is. */
  words?: Readonly<Record<string, string>>;
  /** What the empty choice is called. Default: any. */
  any?: string;
  onChange: (value: string) => void;
};

export function Select({ label, value, options, words = {}, any = 'any', onChange }: SelectProps) {
  return (
    <label>
      {label}
      <select
        value={value}
        onChange={(event) => {
          onChange(event.currentTarget.value);
        }}
      >
        <option value="">{any}</option>
        {options.map((option) => (
          <option key={option} value={option}>
            {words[option] ?? option}
          </option>
        ))}
      </select>
    </label>
  );
}
