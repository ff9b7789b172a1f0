// HTML as values: `h()` escapes every text and attribute, so that no name can become markup.

/** Markup that `h` made; nothing else is ever taken for markup. */
export class Markup {
  readonly #html: string;

  constructor(html: string) {
    this.#html = html;
  }

  toString(): string {
    return this.#html;
  }
}

export type Child = Markup | string | number | null | readonly Child[];
/** `true` writes the bare name; `null` and `false` leave the attribute out. */
export type Attributes = Readonly<Record<string, string | number | boolean | null>>;

/** Elements without an end tag (HTML standard, section 13.1.2). */
const VOID: ReadonlySet<string> = new Set(['br', 'col', 'hr', 'input', 'meta']);

/** One element. Tag and attribute names are ours; values and children may be anybody's. */
export function h(tag: string, attributes: Attributes | null, ...children: Child[]): Markup {
  const open = `<${tag}${renderAttributes(attributes)}>`;
  return new Markup(VOID.has(tag) ? open : `${open}${children.map(renderChild).join('')}</${tag}>`);
}

/** An element whose content is ours and is not text to be escaped: a style sheet or a script. */
export function rawElement(tag: 'style' | 'script', attributes: Attributes | null, content: string): Markup {
  if (/<\/(?:style|script)|<!--/i.test(content)) throw new Error(`the content of <${tag}> would end it`);
  return new Markup(`<${tag}${renderAttributes(attributes)}>${content}</${tag}>`);
}

/** JSON for a script to read: within it `<` can neither end the element nor begin another. */
export function dataElement(id: string, data: unknown): Markup {
  const json = JSON.stringify(data).replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return rawElement('script', { type: 'application/json', id }, json);
}

function renderAttributes(attributes: Attributes | null): string {
  return Object.entries(attributes ?? {})
    .map(([name, value]) => {
      if (value === null || value === false) return '';
      return value === true ? ` ${name}` : ` ${name}="${escapeHtml(String(value))}"`;
    })
    .join('');
}

function renderChild(child: Child): string {
  if (child === null) return '';
  if (child instanceof Markup) return child.toString();
  return typeof child === 'object' ? child.map(renderChild).join('') : escapeHtml(String(child));
}

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}
