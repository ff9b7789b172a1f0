// agent.yaml: who an agent is, where its service and its Redis are, and what it is willing to do. The last is the agent's own word.
import { z } from 'zod';
import { address, prefix } from './addresses.ts';
import { name } from './names.ts';
import { secret } from './references.ts';
import { isInTheClear, keyFingerprint, serviceCa, serviceUrl } from './service-door.ts';
import { duration } from './units.ts';

const A_REDIS = 'expected redis://…, rediss://…, unix:/path of the socket, ${env:NAME} or ${file:PATH}';
const IN_THE_CLEAR =
  'to another machine: whoever sits between could read the secret, and pin a key of their own; plain http:// and redis:// only go to this machine itself (127.0.0.1, ::1, localhost)';
const PORTS = /^(\d{1,5})(?:-(\d{1,5}))?$/;

/** `7000` or `7000-7010`; from and until once parsed. */
const ports = z.union([z.int(), z.string()], { error: 'expected a port or a range such as 7000-7010' }).transform((text, context) => {
  const match = PORTS.exec(String(text));
  const from = Number(match?.[1]);
  const until = Number(match?.[2] ?? match?.[1]);
  if (match !== null && from >= 1 && from <= until && until <= 65_535) return { from, until };
  context.addIssue({ code: 'custom', message: 'expected a port or a range such as 7000-7010, from 1 to 65535', input: text });
  return z.NEVER;
});

/** The agent's own limits. They hold whatever an order says, and whoever signed it. */
const allowList = z.strictObject({
  cidrs: z.array(prefix).min(1).meta({ description: 'Address blocks that the VIPs must lie in.' }),
  ports: z.array(ports).min(1).meta({ description: 'Ports of the VIPs: numbers or ranges such as 7000-7010.' }),
  vips: z
    .array(z.strictObject({ address, port: z.int().min(1).max(65_535) }))
    .min(1)
    .optional()
    .meta({ description: 'Where given, of all these addresses and ports only these pairs.' }),
  maxFlows: z.int().min(1).max(60_000).default(2_000).meta({ description: 'Flows held at a time, all monitors together.' }),
  maxExchangesPerSec: z.int().min(1).max(200_000).default(4_000).meta({ description: 'Exchanges a second, all monitors together.' }),
  maxFreshDialsPerSec: z.int().min(0).max(1_000).default(64).meta({ description: 'Fresh dials a second, all monitors together.' }),
  minInterval: duration({ minMs: 50, maxMs: 3_600_000 })
    .default(100)
    .meta({ description: 'The shortest time between two exchanges of a flow (default 100ms).', default: '100ms' }),
});
export type AllowList = z.output<typeof allowList>;

/** The schema of an agent.yaml. Paths are as seen from the file. */
export const agentFile = z.strictObject({
  agent: name.meta({ description: 'Name of this agent, as the service knows it.' }),
  service: serviceUrl(IN_THE_CLEAR),
  ca: serviceCa,
  token: secret.meta({ description: 'The token that the service made for this agent, by reference.' }),
  controllerKey: keyFingerprint()
    .optional()
    .meta({ description: 'Fingerprint of the key that signs orders. Without it the key of the first contact is pinned.' }),
  redis: z
    .string({ error: A_REDIS })
    .regex(/^(rediss?:\/\/\S|unix:\/|\$\{(env|file):[^{}]+\}$)/, { error: A_REDIS })
    .refine((url) => !isInTheClear(url), { message: `expected rediss:// ${IN_THE_CLEAR}` })
    .meta({
      description: 'Where orders come from: rediss:// (TLS) with user and password, redis:// on this machine, or unix:/path. By reference.',
    }),
  redisCa: z.string().min(1).optional().meta({ description: 'PEM file of the authority that signed Redis’ certificate.' }),
  key: secret.meta({ description: 'The secret shared with the responders, by reference. It never travels.' }),
  state: z.string().min(1).default('agent-state').meta({ description: 'Folder for the pinned key, the last order and the spool.' }),
  allow: allowList.meta({ description: 'What this agent is willing to do. Anything else is refused, with a reason.' }),
  spoolMegabytes: z.int().min(8).max(1_000_000).default(512).meta({ description: 'How much may wait on disk for a service that is away.' }),
});
export type AgentFile = z.output<typeof agentFile>;
