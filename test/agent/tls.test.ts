// Agents and keepers on other machines: TLS to the service and to Redis, by an authority of one's own and by no other.
import { expect, test } from 'vitest';
import { checkAgent } from '../../src/agent/check-agent.ts';
import { openKeeperLink } from '../../src/agent/keeper-link.ts';
import { monoMs } from '../../src/io/clock.ts';
import { keyFingerprint } from '../../src/io/order-signature.ts';
import { listenOn } from '../../src/service/api/listen-on.ts';
import { anApi, CONTROLLER } from '../service/api/an-api.ts';
import { HAS_OPENSSL, someCertificates } from '../support/some-certificates.ts';
import { agentFile } from '../../src/core/agent-file.ts';
import { anAgentFile } from './an-agent.ts';
import { aFreePort } from '../support/a-free-port.ts';
import { RedisProcess } from './a-redis.ts';

test.skipIf(!HAS_OPENSSL)('an agent reaches both over TLS, and neither where another authority signed (needs openssl)', async () => {
  await using api = await anApi();
  const [ours, theirs] = [someCertificates(api.folder), someCertificates(api.folder, 'other')];
  await using door = await listenOn(api.app, { host: '127.0.0.1', port: 0, tls: ours });
  const port = await aFreePort();
  const tls = ['--tls-port', String(port), '--tls-cert-file', ours.cert, '--tls-key-file', ours.key, '--tls-ca-cert-file', ours.ca];
  await using _redis = await RedisProcess.start([...tls, '--tls-auth-clients', 'no']);
  await api.store
    .insertInto('agents')
    .values({ name: 'agent-v1', environment: 'lab', vantage: 'v1', serial: 0, last_seen_ms: null, state: null })
    .execute();
  const service = `https://127.0.0.1:${String(door.port)}`;
  const redis = `rediss://127.0.0.1:${String(port)}`;
  const file = agentFile.parse({ ...anAgentFile({ service, redis }), agent: 'agent-v1', token: api.tokens.agent });
  const well = await checkAgent({ file, ca: { service: ours.caPem, redis: ours.caPem } });
  expect(well, well.text).toMatchObject({ missing: [] });
  const ill = await checkAgent({ file, ca: { service: theirs.caPem, redis: theirs.caPem } });
  expect(ill.missing, ill.text).toEqual(['the service', 'Redis']);
  expect(ill.text).toMatch(/certificate/);
});

test.skipIf(!HAS_OPENSSL)('a keeper joins over TLS, and shows its token to nobody else’s certificate (needs openssl)', async () => {
  await using api = await anApi({ keepers: ['rack-7'] });
  const [ours, theirs] = [someCertificates(api.folder), someCertificates(api.folder, 'other')];
  await using door = await listenOn(api.app, { host: '127.0.0.1', port: 0, tls: ours });
  const service = `https://127.0.0.1:${String(door.port)}`;
  const options = {
    join: { name: 'rack-7', service, token: api.tokens.keeper, controllerKey: keyFingerprint(CONTROLLER.publicPem) },
    ...{ socket: '/nonexistent', machineBoot: 'b', version: '0', now: monoMs, random: () => 0, log: () => undefined },
  };
  const signal = AbortSignal.timeout(20_000);
  using link = await openKeeperLink({ ...options, ca: ours.caPem }, signal);
  await link.ready;
  await expect(openKeeperLink({ ...options, ca: theirs.caPem }, signal)).rejects.toMatchObject({
    code: 'SERVICE_UNREACHABLE',
    message: expect.stringMatching(/certificate/) as string,
  });
});
