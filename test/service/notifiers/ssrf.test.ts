// Where a destination must not lead: literal addresses in every spelling, names that answer with them, names that change their mind.
import { expect, test } from 'vitest';
import type { ResolvedAddress } from '../../../src/service/notifiers/guarded-connector.ts';
import { openPost } from '../../../src/service/notifiers/guarded-post.ts';
import { familyOf } from '../../../src/core/addresses.ts';
import { HttpSink } from '../../support/an-http-sink.ts';

const MESSAGE = { headers: {}, body: '{}' };

const IPV4 = [
  ...['127.0.0.1', '127.0.0.2', '127.1.2.3', '127.255.255.254', '0.0.0.0', '0.1.2.3'],
  ...['10.0.0.1', '10.255.255.255', '172.16.0.1', '172.31.255.254', '192.168.0.1', '192.168.255.254'],
  ...['169.254.169.254', '169.254.170.2', '169.254.0.1', '100.64.0.1', '100.100.100.200', '100.127.255.254'],
  ...['168.63.129.16', '192.0.0.192', '192.0.2.1', '192.88.99.1', '198.18.0.1', '198.51.100.7', '203.0.113.9'],
  ...['224.0.0.1', '239.255.255.250', '240.0.0.1', '255.255.255.255'],
];
const IPV6 = [
  ...['::1', '::', 'fe80::1', 'febf::1', 'fec0::1', 'fc00::1', 'fd00:ec2::254', 'fd77::1', 'ff02::1', 'ff0e::1'],
  ...['100::1', '2001:db8::1', '3fff::1', '5f00::1', '2001:2::1', '2001:10::1', '2001:20::1', '4000::1', 'e000::1', '2001:1::1'],
];

/** IPv6 addresses that carry an IPv4 one. */
function carriers(ipv4: string): string[] {
  const octets = ipv4.split('.').map(Number);
  const group = (index: number, mask = 0) => (((octets[index] ?? 0) ^ mask) * 256 + ((octets[index + 1] ?? 0) ^ mask)).toString(16);
  const [high, low] = [group(0), group(2)];
  return [
    `::ffff:${high}:${low}`,
    `::${high}:${low}`,
    `64:ff9b::${high}:${low}`,
    `64:ff9b:1::${high}:${low}`,
    `2002:${high}:${low}::1`,
    `2001:0:102:304:0:0:${group(0, 255)}:${group(2, 255)}`,
    `::ffff:0:${high}:${low}`,
    `2a00:1450::5efe:${high}:${low}`,
  ];
}

/** The spellings of an IPv4 address that URLs know. */
function spellings(ipv4: string): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number);
  const number = ((a * 256 + b) * 256 + c) * 256 + d;
  return [
    ipv4,
    String(number),
    `0x${number.toString(16)}`,
    [a, b, c, d].map((octet) => `0${octet.toString(8)}`).join('.'),
    [a, b, c, d].map((octet) => `0x${octet.toString(16)}`).join('.'),
    `${String(a)}.${String(number & 0xffffff)}`,
    `${ipv4}.`,
    ipv4.replaceAll('.', '。'),
  ];
}

type Case = { url: string; answers: readonly string[] };

const byLiteral: Case[] = [
  ...IPV4.flatMap((address) => spellings(address).map((host) => ({ url: `http://${host}`, answers: [] }))),
  ...[...IPV6, ...IPV4.slice(0, 8).flatMap(carriers)].map((address) => ({ url: `http://[${address}]`, answers: [] })),
  ...['127.0.0.1', '[::1]', '[::ffff:127.0.0.1]', '[::127.0.0.1]'].map((host) => ({ url: `https://${host}`, answers: [] })),
];
const byName: Case[] = [...IPV4, ...IPV6, ...IPV4.flatMap(carriers)].flatMap((address) => [
  { url: 'http://hooks.example', answers: [address] },
  { url: 'https://hooks.example', answers: ['93.184.216.34', address] },
]);

test('more than 300 destinations that must not be reached are refused, and nothing connects', async () => {
  await using sentinel = await HttpSink.open('::');
  const cases = [...byLiteral, ...byName];
  expect(cases.length).toBeGreaterThan(300);
  for (const { url, answers } of cases) {
    await using guarded = openPost([], { resolve: () => Promise.resolve(answers.map(resolvedAs)), nowMs: Date.now });
    const outcome = await guarded.post(`${url}:${String(sentinel.port)}/`, MESSAGE, AbortSignal.timeout(5_000));
    expect([url, answers, outcome]).toMatchObject([
      url,
      answers,
      { kind: 'failed', why: expect.stringContaining('no ordinary address') as string },
    ]);
  }
  expect(sentinel.connections).toBe(0);
}, 60_000);

test('the same destinations are reached where they are allowed: the sentinel does listen', async () => {
  await using sentinel = await HttpSink.open('::');
  const cases: Case[] = [
    { url: 'http://127.0.0.1', answers: [] },
    { url: 'http://2130706433', answers: [] },
    { url: 'http://[::1]', answers: [] },
    { url: 'http://hooks.example', answers: ['127.0.0.1'] },
  ];
  for (const { url, answers } of cases) {
    await using guarded = openPost(['127.0.0.0/8', '::1/128'], {
      resolve: () => Promise.resolve(answers.map(resolvedAs)),
      nowMs: Date.now,
    });
    expect(await guarded.post(`${url}:${String(sentinel.port)}/`, MESSAGE, AbortSignal.timeout(5_000))).toEqual({ kind: 'delivered' });
  }
  expect(sentinel.connections).toBe(cases.length);
});

test('a name that answers well when asked once and badly when asked again is asked once a connection', async () => {
  await using sentinel = await HttpSink.open('::');
  let asked = 0;
  const resolve = () => Promise.resolve([resolvedAs(asked++ === 0 ? '127.0.0.3' : '127.0.0.1')]);
  await using guarded = openPost(['127.0.0.3/32'], { resolve, nowMs: Date.now });
  const send = () => guarded.post(`http://hooks.example:${String(sentinel.port)}/`, MESSAGE, AbortSignal.timeout(5_000));
  expect(await send()).toEqual({ kind: 'delivered' });
  expect(asked).toBe(1);
  expect(await send()).toMatchObject({ kind: 'failed' });
  expect(sentinel.connections).toBe(1);
});

test('an allowed block opens no other one', async () => {
  await using sentinel = await HttpSink.open('::');
  await using guarded = openPost(['10.0.0.0/8', '127.0.0.2/32'], { nowMs: Date.now });
  for (const host of ['127.0.0.1', 'localhost', '[::1]', '0.0.0.0']) {
    expect(await guarded.post(`http://${host}:${String(sentinel.port)}/`, MESSAGE, AbortSignal.timeout(5_000))).toMatchObject({
      kind: 'failed',
    });
  }
  expect(sentinel.connections).toBe(0);
});

test('only http and https are schemes of a destination', async () => {
  await using guarded = openPost([], { nowMs: Date.now });
  for (const url of ['file:///etc/passwd', 'ftp://93.184.216.34/', 'data:,x', 'gopher://93.184.216.34/', 'unix:/run/x.sock']) {
    expect(await guarded.post(url, MESSAGE, AbortSignal.timeout(5_000)), url).toMatchObject({ kind: 'failed' });
  }
});

test('proxies of the environment are not asked', async () => {
  await using proxy = await HttpSink.open();
  await using sink = await HttpSink.open();
  const before = { ...process.env };
  Object.assign(process.env, { HTTP_PROXY: proxy.url, http_proxy: proxy.url, ALL_PROXY: proxy.url, NODE_USE_ENV_PROXY: '1' });
  try {
    await using guarded = openPost(['127.0.0.0/8'], { nowMs: Date.now });
    expect(await guarded.post(sink.url, MESSAGE, AbortSignal.timeout(5_000))).toEqual({ kind: 'delivered' });
  } finally {
    process.env = before;
  }
  expect(proxy.connections).toBe(0);
});

function resolvedAs(address: string): ResolvedAddress {
  return { address, family: familyOf(address) };
}
