// The patterns that tell the seventh path from the first, and so on.
import { PATH_COLOURS } from '../../report/drawing/palette.ts';

export function Hatching() {
  return (
    <svg class="unseen" aria-hidden="true">
      <defs>
        {PATH_COLOURS.map((colour, index) => (
          <pattern
            key={colour}
            id={`hatch${String(index)}`}
            width={6}
            height={6}
            patternUnits="userSpaceOnUse"
            patternTransform="rotate(45)"
          >
            <rect class={`p${String(index)}`} width={6} height={6} />
            <path class="hatch" d="M0 3H6" />
          </pattern>
        ))}
      </defs>
    </svg>
  );
}
