// A strict reader of XML for tests: throws at whatever a parser would refuse, and gives the elements in order.

export type Element = { name: string; attributes: Record<string, string>; depth: number };

const NAME = '[A-Za-z_][\\w.-]*';
const TAG = new RegExp(`^<(/?)(${NAME})((?:\\s+${NAME}="[^"<]*")*)\\s*(/?)>`);
const LEGAL = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;

/** @throws Error with the place, when `text` is not well-formed (XML 1.0, without DTD, comments and CDATA, which we do not write) */
export function parseXml(text: string): Element[] {
  if (!LEGAL.test(text)) throw new Error('a character that XML cannot hold');
  const elements: Element[] = [];
  const open: string[] = [];
  let rest = text.replace(/^<\?xml version="1\.0" encoding="UTF-8"\?>\s*/, '');
  while (rest !== '') {
    const tag = TAG.exec(rest);
    if (!tag) {
      const end = rest.includes('<') ? rest.indexOf('<') : rest.length;
      if (end === 0) throw new Error(`no tag: ${rest.slice(0, 80)}`);
      unescapeXml(rest.slice(0, end));
      rest = rest.slice(end);
      continue;
    }
    const [whole, isEnd, name = '', attributes = '', isEmpty] = tag;
    if (isEnd && open.pop() !== name) throw new Error(`</${name}> closes another element`);
    if (!isEnd) elements.push({ name, attributes: attributesOf(attributes), depth: open.length });
    if (!isEnd && !isEmpty) open.push(name);
    rest = rest.slice(whole.length);
  }
  if (open.length > 0) throw new Error(`<${String(open.at(-1))}> is not closed`);
  if (elements.filter(({ depth }) => depth === 0).length !== 1) throw new Error('not exactly one root');
  return elements;
}

function attributesOf(text: string): Record<string, string> {
  const pairs = [...text.matchAll(new RegExp(`(${NAME})="([^"]*)"`, 'g'))].map(
    ([, name = '', value = '']) => [name, unescapeXml(value)] as const,
  );
  if (new Set(pairs.map(([name]) => name)).size !== pairs.length) throw new Error(`an attribute stands twice:${text}`);
  return Object.fromEntries(pairs);
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function unescapeXml(text: string): string {
  return text.replace(/&([^;]{0,5};?)/g, (entity, name: string) => {
    const character = ENTITIES[name.replace(/;$/, '')];
    if (character === undefined || !name.endsWith(';')) throw new Error(`no entity: ${entity}`);
    return character;
  });
}
