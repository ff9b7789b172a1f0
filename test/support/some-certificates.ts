// An authority of one's own and a certificate for 127.0.0.1 that it signed, made by openssl.
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0;

/** Paths of PEM files; `caPem` is the text of the authority's. */
export type Certificates = { ca: string; caPem: string; cert: string; key: string };

/** @param folder where they are made; each call there makes another authority */
export function someCertificates(folder: string, name = 'tls'): Certificates {
  const at = (file: string) => join(folder, `${name}-${file}`);
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl('req', '-x509', ...newKey, '-keyout', at('ca.key'), '-out', at('ca.pem'), '-days', '2', '-subj', `/CN=${name}`);
  openssl('req', ...newKey, '-keyout', at('key.pem'), '-out', at('csr.pem'), '-subj', '/CN=holdfast');
  writeFileSync(at('ext'), 'subjectAltName=IP:127.0.0.1\n');
  const signing = ['-CA', at('ca.pem'), '-CAkey', at('ca.key'), '-CAcreateserial', '-extfile', at('ext'), '-days', '2'];
  openssl('x509', '-req', '-in', at('csr.pem'), ...signing, '-out', at('cert.pem'));
  return { ca: at('ca.pem'), caPem: readFileSync(at('ca.pem'), 'utf8'), cert: at('cert.pem'), key: at('key.pem') };
}
