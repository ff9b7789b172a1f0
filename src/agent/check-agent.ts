// `holdfast agent --check`: what the agent would allow, and whether its service and its Redis answer; nothing is pinned or started.
import { type AgentFile } from '../core/agent-file.ts';
import { agentQueueName } from '../core/agent-messages.ts';
import { messageOf } from '../core/errors.ts';
import { formatDurationMs } from '../core/units.ts';
import { keyFingerprint } from '../io/order-signature.ts';
import { OrderDesk } from './order-desk.ts';
import { connectToRedis } from './redis-connection.ts';
import { ServiceClient } from './service-client.ts';

export type AgentCheck = {
  /** Lines for a person. */
  text: string;
  /** What did not answer as it should: `the service`, `Redis`. */
  missing: string[];
};

const READY_MS = 5_000;

/** Asks both. Whatever they answer is a result. */
export async function checkAgent(about: { file: AgentFile; ca: { service: string | null; redis: string | null } }): Promise<AgentCheck> {
  const { file } = about;
  const [service, redis] = await Promise.all([checkService(about), checkRedis(about)]);
  const lines = [
    `agent    ${file.agent}`,
    ...allowed(file),
    `service  ${service.isFine ? 'ok' : 'NOT OK'}: ${service.said}`,
    `Redis    ${redis.isFine ? 'ok' : 'NOT OK'}: ${redis.said}`,
  ];
  return { text: `${lines.join('\n')}\n`, missing: [...(service.isFine ? [] : ['the service']), ...(redis.isFine ? [] : ['Redis'])] };
}

function allowed({ allow, spoolMegabytes }: AgentFile): string[] {
  const ports = allow.ports.map(({ from, until }) => (from === until ? String(from) : `${String(from)}-${String(until)}`));
  return [
    `allows   VIPs in ${allow.cidrs.join(', ')}; ports ${ports.join(', ')}`,
    `         ${String(allow.maxFlows)} flows, ${String(allow.maxExchangesPerSec)} exchanges and ${String(allow.maxFreshDialsPerSec)} fresh dials a second;` +
      ` an exchange of a flow every ${formatDurationMs(allow.minInterval)} at most`,
    `keeps    up to ${String(spoolMegabytes)} MB on disk while the service is away`,
  ];
}

type Finding = { isFine: boolean; said: string };

async function checkService({ file, ca }: Parameters<typeof checkAgent>[0]): Promise<Finding> {
  await using client = new ServiceClient({ service: file.service, token: file.token, ca: ca.service });
  try {
    const found = await client.enrolment(AbortSignal.timeout(READY_MS));
    const fingerprint = keyFingerprint(found.controllerKey);
    const desk = new OrderDesk(file.agent, file.state, file.controllerKey ?? null);
    const trusted = file.controllerKey ?? (desk.pinned ? keyFingerprint(desk.pinned.controllerKey) : null);
    if (found.agent !== file.agent) return { isFine: false, said: `the token is that of the agent ${found.agent}` };
    if (trusted !== null && trusted !== fingerprint)
      return { isFine: false, said: `its key is ${fingerprint}, and ${trusted} alone is trusted` };
    const place = `vantage ${found.vantage} of ${found.environment}`;
    return { isFine: true, said: `${place}, key ${fingerprint} (${trusted === null ? 'pinned at the first start' : 'trusted'})` };
  } catch (error) {
    return { isFine: false, said: messageOf(error) };
  }
}

async function checkRedis({ file, ca }: Parameters<typeof checkAgent>[0]): Promise<Finding> {
  const client = connectToRedis({ place: file.redis, ca: ca.redis }, 'asking');
  const trouble = Promise.withResolvers<Finding>();
  client.once('error', (error) => {
    trouble.resolve({ isFine: false, said: messageOf(error) });
  });
  const asked = (async (): Promise<Finding> => {
    await new Promise((resolve) => client.once('ready', resolve));
    const waiting = await client.llen(`bull:${agentQueueName(file.agent)}:wait`);
    return { isFine: true, said: `${String(waiting)} jobs wait in this agent's queue` };
  })().catch((error: unknown): Finding => ({ isFine: false, said: messageOf(error) }));
  try {
    return await Promise.race([asked, trouble.promise]);
  } finally {
    client.disconnect();
  }
}
