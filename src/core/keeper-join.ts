// The part of a keeper's own file that says which service may ask it from another machine.
import { z } from 'zod';
import { name } from './names.ts';
import { secret } from './references.ts';
import { keyFingerprint, serviceCa, serviceUrl } from './service-door.ts';

const IN_THE_CLEAR = 'to another machine, where its token could be read on the way; plain http:// only goes to this machine itself';

/** How a service that cannot reach this machine asks its keeper: `holdfast keeper-link` reads it, the keeper itself does not. */
export const keeperJoin = z.strictObject({
  name: name.meta({ description: 'Name of this keeper, as the service’s file lists it.' }),
  service: serviceUrl(IN_THE_CLEAR),
  ca: serviceCa,
  token: secret.meta({ description: 'The token that the service made for this keeper, by reference.' }),
  controllerKey: keyFingerprint('expected the fingerprint of the service’s key, such as SHA256:…').meta({
    description: 'Fingerprint of the service’s key. Nobody without that key can ask this keeper for anything from afar.',
  }),
});
export type KeeperJoin = z.output<typeof keeperJoin>;
