// A capture that could have missed something proves nothing.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCapture } from './captured-packets.ts';

let path: string;
beforeAll(() => {
  path = join(mkdtempSync(join(tmpdir(), 'holdfast-capture-')), 'n1.cap');
});
afterAll(() => {
  rmSync(join(path, '..'), { recursive: true });
});

function aFile(...records: Buffer[]): string {
  writeFileSync(path, Buffer.concat([Buffer.from('HFCAP1\n'), ...records]));
  return path;
}

function anEnd(about: { packets: number; drops: number }): Buffer {
  const end = Buffer.alloc(17);
  end.write('E');
  end.writeUInt32LE(about.packets, 9);
  end.writeUInt32LE(about.drops, 13);
  return end;
}

it('a capture with its end and without drops is read', () => {
  expect(readCapture(aFile(anEnd({ packets: 0, drops: 0 })), new Set())).toEqual({ packets: [], clockStrayMs: 0 });
});

it('one that the kernel dropped packets of is refused', () => {
  expect(() => readCapture(aFile(anEnd({ packets: 9, drops: 1 })), new Set())).toThrow('dropped 1 packets');
});

it('one that was killed is refused', () => {
  expect(() => readCapture(aFile(), new Set())).toThrow('the capture was killed');
});

it('anything else is refused', () => {
  writeFileSync(path, 'no capture at all');
  expect(() => readCapture(path, new Set())).toThrow('is no capture');
});
