// The version of this program, from its package.json.
import { readFileSync } from 'node:fs';

/** Such as `0.1.0`. Lies two folders up, from source and from a build alike. */
export function programVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
