// The page's policy lets exactly its own style and script through.
import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { SCRIPT, SCRIPT_HASH } from '../../src/report/html/script.ts';
import { STYLE, STYLE_HASH } from '../../src/report/html/style.ts';

const hashOf = (text: string) => `sha256-${createHash('sha256').update(text).digest('base64')}`;

test('the policy names the hash of the style sheet (after a change, copy the received one into style.ts)', () => {
  expect(STYLE_HASH).toBe(hashOf(STYLE));
});

test('the policy names the hash of the script (after a change, copy the received one into script.ts)', () => {
  expect(SCRIPT_HASH).toBe(hashOf(SCRIPT));
});
