// The part of a keeper's own file that says which service may ask it from another machine.
import { z } from 'zod';
import { isInTheClear } from './agent-file.ts';
import { name } from './names.ts';
import { secret } from './references.ts';

const A_SERVICE = 'expected an https URL, or unix:/path of the socket';
const IN_THE_CLEAR = 'to another machine, where its token could be read on the way; plain http:// only goes to this machine itself';

/** How a service that cannot reach this machine asks its keeper: `holdfast keeper-link` reads it, the keeper itself does not. */
export const keeperJoin = z.strictObject({
  name: name.meta({ description: 'Name of this keeper, as the service’s file lists it.' }),
  service: z
    .string({ error: A_SERVICE })
    .regex(/^(https?:\/\/[^/\s]|unix:\/)/, { error: A_SERVICE })
    .refine((url) => !isInTheClear(url), { message: `expected https:// ${IN_THE_CLEAR}` })
    .meta({ description: 'URL of the service, https unless it is on this machine; a prefix of the path is kept.' }),
  ca: z.string().min(1).optional().meta({ description: 'PEM file of the authority that signed the service’s certificate.' }),
  token: secret.meta({ description: 'The token that the service made for this keeper, by reference.' }),
  controllerKey: z
    .string({ error: 'expected the fingerprint of the service’s key, such as SHA256:…' })
    .regex(/^SHA256:[A-Za-z0-9+/]{43}$/, { error: 'expected a fingerprint such as SHA256:…' })
    .meta({ description: 'Fingerprint of the service’s key. Nobody without that key can ask this keeper for anything from afar.' }),
});
export type KeeperJoin = z.output<typeof keeperJoin>;
