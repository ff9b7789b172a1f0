import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { encodeFrame, encodeRecord } from '../../src/core/keeper-link.ts';
import { monoMs } from '../../src/io/clock.ts';
import { eventually } from '../support/eventually.ts';
import { aLink, allOf, someSeals } from '../support/a-link.ts';

const QUICK = { beatMs: 20, deadMs: 150 };
const echo = (socket: Socket) => void socket.pipe(socket);

test('what several connections say at once arrives whole, in order, and at its own keeper’s connection', async () => {
  await using link = await aLink({ onKeeper: echo });
  const aLine = fc.uint8Array({ minLength: 1, maxLength: 90_000 }).map((bytes) => Buffer.concat([bytes, Buffer.from('\n')]));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(aLine, { minLength: 1, maxLength: 8 }), { minLength: 1, maxLength: 4 }), async (streams) => {
      await Promise.all(
        streams.map(async (chunks) => {
          const socket = link.dial();
          const said = allOf(socket);
          const sent = Buffer.concat(chunks);
          for (const chunk of chunks) socket.write(chunk);
          let got = 0;
          socket.on('data', (part: Buffer) => {
            got += part.length;
            if (got >= sent.length) socket.end();
          });
          expect((await said).equals(sent)).toBe(true);
        }),
      );
    }),
    { numRuns: 15 },
  );
  expect(link.service.isOver || link.keeper.isOver).toBe(false);
});

test('a keeper that does not listen is told as such, and the link stays', async () => {
  await using link = await aLink({ onKeeper: null });
  expect(String(await allOf(link.dial()))).toMatch(/^farewell: connect ENOENT .*keeper.sock\n$/);
  expect(link.service.isOver).toBe(false);
});

test('an end at either side ends the other, and no other connection', async () => {
  let keeperSide: Socket | null = null;
  await using link = await aLink({
    onKeeper: (socket) => {
      keeperSide = socket;
      echo(socket);
    },
  });
  const stays = link.dial();
  stays.write('a\n');
  await once(stays, 'data');
  const goes = link.dial();
  goes.write('b\n');
  await once(goes, 'data');
  const ended = once(keeperSide as unknown as Socket, 'close');
  goes.destroy();
  await ended;
  const next = link.dial();
  next.write('c\n');
  await once(next, 'data');
  const said = allOf(next);
  (keeperSide as unknown as Socket).destroy();
  expect(String(await said)).toBe('');
  stays.write('still\n');
  expect(String((await once(stays, 'data'))[0])).toBe('still\n');
});

test('a cut ends every connection at both ends, with the reason where one may be told', async () => {
  const keeperSides: Socket[] = [];
  await using link = await aLink({
    onKeeper: (socket) => {
      keeperSides.push(socket);
      echo(socket);
    },
  });
  const runner = link.dial();
  const inALine = link.dial();
  for (const [socket, text] of [
    [runner, 'one\n'],
    [inALine, 'half of a line'],
  ] as const) {
    socket.write(text);
    await once(socket, 'data');
  }
  const [said, half] = [allOf(runner), allOf(inALine)];
  link.streams.keeper.destroy();
  expect(String(await said)).toMatch(/^farewell: .*closed the connection/);
  expect(String(await half)).toBe(''); // a line of ours would run into the other one
  await eventually(() => {
    expect(keeperSides.map(({ destroyed }) => destroyed)).toEqual([true, true]);
  });
});

test('a silent end is found dead', async () => {
  await using link = await aLink({ onKeeper: echo, times: QUICK });
  await link.service.ready;
  // As over a cable that was pulled: nothing comes any more, and nobody says so.
  vi.spyOn(link.streams.keeper, 'write').mockReturnValue(true);
  expect(await link.service.closed).toMatch(/^nothing was heard for/);
});

test('a process that stood still relays nothing of what waited for it', async () => {
  let offsetMs = 0;
  let heard = '';
  await using link = await aLink({
    onKeeper: (socket) => void socket.on('data', (chunk: Buffer) => (heard += String(chunk))),
    keeperNow: () => monoMs() + offsetMs,
  });
  const runner = link.dial();
  runner.write('renew\n');
  await eventually(() => {
    expect(heard).toBe('renew\n');
  });
  offsetMs = 10_000;
  runner.write('inject\n');
  expect(await link.keeper.closed).toMatch(/stood still for 1\d\.\d s/);
  expect(heard).toBe('renew\n');
});

test('a runner that does not read loses its connection, and others theirs not', async () => {
  await using link = await aLink({ onKeeper: echo });
  const frozen = link.dial();
  frozen.pause();
  const ended = new Promise((resolve) => frozen.once('close', resolve));
  const line = Buffer.concat([Buffer.alloc(100_000, 'x'), Buffer.from('\n')]);
  for (let sent = 0; sent < 60; sent += 1) frozen.write(line);
  const other = link.dial();
  other.write('halt\n');
  expect(String((await once(other, 'data'))[0])).toBe('halt\n');
  await ended;
  other.write('halt again\n');
  expect(String((await once(other, 'data'))[0])).toBe('halt again\n');
});

test('a line without an end costs its connection, not our memory', async () => {
  await using link = await aLink({ onKeeper: (socket) => void socket.resume() });
  const endless = link.dial();
  const said = allOf(endless);
  for (let sent = 0; sent < 20; sent += 1) endless.write(Buffer.alloc(100_000, 'x'));
  expect(String(await said)).toBe('farewell: the line is longer than any message is\n');
  expect(link.keeper.isOver).toBe(false);
});

test('records that the agreed keys did not seal end the link', async () => {
  await using link = await aLink({ onKeeper: echo });
  await link.keeper.ready;
  link.streams.service.write(encodeRecord(someSeals().service.outgoing.seal(encodeFrame({ kind: 'open', channel: 1 }))));
  expect(await link.keeper.closed).toMatch(/did not seal/);
});

test('bytes that are no records end the link, and so does one of a size that nobody sends', async () => {
  for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), Buffer.from([0x7f, 0xff, 0xff, 0xff])]) {
    await using link = await aLink({ onKeeper: echo });
    link.streams.keeper.write(bytes);
    expect(await link.service.closed).toMatch(/no record of a link/);
  }
});

test('the keeper’s end may open nothing at the service', async () => {
  await using link = await aLink({ onKeeper: echo });
  const other = connect({ port: 1, host: '127.0.0.1' }).on('error', () => undefined);
  link.keeper.relay(other);
  expect(await link.service.closed).toMatch(/opened what it may not/);
});

test('who trickles bytes in is not heard: only what is sealed and whole counts', async () => {
  await using link = await aLink({ onKeeper: echo, times: QUICK });
  const { keeper } = link.streams;
  const write = keeper.write.bind(keeper);
  vi.spyOn(keeper, 'write').mockImplementation((chunk: Uint8Array | string) => write(chunk.slice(0, 1)));
  expect(await link.service.closed).toMatch(/nothing was heard|no record/);
});
