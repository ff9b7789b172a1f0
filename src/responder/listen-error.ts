// Why a port could not be listened on, for people.
import { AppError, type ErrorCode, messageOf } from '../core/errors.ts';

/** Turns the error of a bind into a refusal that names the port and a remedy. */
export function listenError(protocol: 'TCP' | 'UDP', at: { address: string | null; port: number }, cause: unknown): AppError {
  const where = `${protocol} port ${String(at.port)}${at.address === null ? '' : ` of ${at.address}`}`;
  const [code, what, remedy] = explain((cause as NodeJS.ErrnoException).code, at.port);
  return new AppError(code, `cannot listen on ${where}: ${what ?? messageOf(cause)}`, { remedy, cause });
}

function explain(code: string | undefined, port: number): [ErrorCode, string | null, string] {
  switch (code) {
    case 'EADDRINUSE':
      return ['PORT_TAKEN', 'another program holds it', `find it with \`ss -lntup 'sport = :${String(port)}'\`, or choose another port`];
    case 'EACCES':
      return ['NOT_PERMITTED', 'ports below 1024 need a privilege', 'choose a port from 1024 on'];
    case 'EADDRNOTAVAIL':
      return ['PREFLIGHT', 'this machine has no such address', 'leave --address out to listen on all addresses'];
    case undefined:
    default:
      return ['PREFLIGHT', null, 'choose another port or address'];
  }
}
