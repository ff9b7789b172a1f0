// Connections that lead nowhere but where a destination may lie: every address is judged when it is dialled, after its name was resolved.
//
// The judged address is the dialled one: a name that answers differently the second time (DNS rebinding) is not asked a second time.
import { isIP } from 'node:net';
import { buildConnector } from 'undici';
import { isInPrefix, specialRange } from '../../core/addresses.ts';
import { AppError } from '../../core/errors.ts';

export type ResolvedAddress = { address: string; family: number };
/** All addresses of a name, as `dns.promises.lookup(name, { all: true })` gives them. */
export type Resolve = (hostname: string) => Promise<readonly ResolvedAddress[]>;

/**
 * A connector for undici that refuses loopback, private, link-local and every other special address outside `allow`.
 * One such address among a name's answers refuses the name: nobody's public service has one.
 * @param allow prefixes in which a special address is meant
 * @throws AppError FORBIDDEN, through the connector's callback
 */
export function guardedConnector(allow: readonly string[], resolve: Resolve, timeoutMs: number): buildConnector.connector {
  const lookup = (hostname: string, _options: unknown, done: (error: Error | null, addresses: ResolvedAddress[]) => void) => {
    judge(hostname).then(
      (addresses) => {
        done(null, addresses);
      },
      (error: unknown) => {
        done(error instanceof Error ? error : new Error(String(error)), []);
      },
    );
  };
  const judge = async (hostname: string): Promise<ResolvedAddress[]> => {
    const addresses = await resolve(hostname);
    for (const { address } of addresses) refuseSpecial(hostname, address, allow);
    if (addresses.length === 0) throw new AppError('UNKNOWN_NAME', `${hostname} has no address`);
    return addresses.map(({ address, family }) => ({ address, family }));
  };
  const connect = buildConnector({ lookup, timeout: timeoutMs, allowH2: false, autoSelectFamily: true, maxCachedSessions: 0 });
  return (options, callback) => {
    const hostname = options.hostname.replace(/^\[(.*)\]$/, '$1');
    try {
      if (options.protocol !== 'http:' && options.protocol !== 'https:') {
        throw new AppError('FORBIDDEN', `${options.protocol} is no scheme of a destination`);
      }
      // Node dials a literal address without asking the lookup.
      if (isIP(hostname) !== 0) refuseSpecial(hostname, hostname, allow);
    } catch (error) {
      callback(error as Error, null);
      return;
    }
    connect({ ...options, hostname }, callback);
  };
}

function refuseSpecial(hostname: string, address: string, allow: readonly string[]): void {
  const range = specialRange(address);
  if (range === null || (range !== 'no address' && allow.some((prefix) => isInPrefix(address, prefix)))) return;
  const what = hostname === address ? `the address ${address}` : `${hostname} leads to ${address}, which`;
  throw new AppError('FORBIDDEN', `${what} is no ordinary address of the Internet (${range})`, {
    remedy: `if that is meant, put its block under "allow" of the destination`,
  });
}
