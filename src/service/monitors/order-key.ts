// The key that signs orders to agents: made at the first start, kept in the state folder, readable by its owner alone.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError, messageOf } from '../../core/errors.ts';
import { newSigningKeyPem, signingKey, type SigningKey } from '../../io/order-signature.ts';
import { writeWholeFile } from '../../io/whole-file.ts';

const FILE = 'order-key.pem';

/** @throws AppError DISK; FILE_UNREADABLE for a file that holds no such key (a new one in its place would make every agent refuse) */
export function openOrderKey(folder: string): SigningKey {
  const path = join(folder, FILE);
  if (!existsSync(path)) writeWholeFile(path, newSigningKeyPem(), 0o600);
  try {
    return signingKey(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new AppError('FILE_UNREADABLE', `${path} holds no key to sign orders with: ${messageOf(cause)}`, {
      remedy: 'restore it from a copy; if it is lost, remove the file and enrol every agent again',
      cause,
    });
  }
}
