// Who is behind a token: one hello tells it for all flows.
import type { Answer } from '../core/wire.ts';

export type ResponderIdentity = { readonly node: string; readonly backend: string; readonly boot: string };

/** Responders by the token of their boot. It grows by one a boot, and only from answers whose MAC was right. */
export class IdentityCache {
  readonly #byToken = new Map<bigint, ResponderIdentity>();

  learn({ token, node, backend, boot }: Answer): ResponderIdentity {
    const known = this.#byToken.get(token);
    if (known) return known;
    const identity = { node, backend, boot };
    this.#byToken.set(token, identity);
    return identity;
  }

  byToken(token: bigint): ResponderIdentity | undefined {
    return this.#byToken.get(token);
  }
}
