// A self-signed certificate for a test's server, made here: no program for it need be installed.
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';

const OIDS = { ecdsaWithSha256: '2a8648ce3d040302', commonName: '550403', subjectAltName: '551d11', basicConstraints: '551d13' };

/** PEM of an authority that is its own server certificate too, for `localhost` and `ip` (IPv4), valid now. */
export function aCertificate(ip = '127.0.0.1'): { cert: string; key: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const name = der(0x30, der(0x31, der(0x30, oid(OIDS.commonName), der(0x0c, Buffer.from('a test')))));
  const altNames = der(0x30, der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from(ip.split('.').map(Number))));
  const extensions = der(
    0x30,
    der(0x30, oid(OIDS.subjectAltName), der(0x04, altNames)),
    der(0x30, oid(OIDS.basicConstraints), der(0x04, der(0x30, der(0x01, Buffer.from([0xff]))))),
  );
  const algorithm = der(0x30, oid(OIDS.ecdsaWithSha256));
  const body = der(
    0x30,
    der(0xa0, integer(2)),
    integer(Date.now()),
    algorithm,
    name,
    der(0x30, time(-1), time(1)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, extensions),
  );
  const cert = der(0x30, body, algorithm, der(0x03, Buffer.from([0]), signature(body, privateKey)));
  return {
    cert: `-----BEGIN CERTIFICATE-----\n${cert.toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
  };
}

function signature(body: Buffer, key: KeyObject): Buffer {
  return sign('sha256', body, key);
}

/** One element of DER: tag, length, content. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'));
}

function integer(value: number): Buffer {
  const bytes = Buffer.from(value.toString(16).padStart(14, '0'), 'hex');
  const start = bytes.findIndex((byte) => byte !== 0);
  const short = bytes.subarray(start === -1 ? -1 : start);
  return der(0x02, (short[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.from([0]), short]) : short);
}

/** So many days from now. */
function time(days: number): Buffer {
  const text = new Date(Date.now() + days * 86_400_000).toISOString().replace(/[-:T]|\.\d+/g, '');
  return der(0x18, Buffer.from(text));
}
