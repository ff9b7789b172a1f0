// What a failed write means to a person: full, read-only, forbidden.
import { AppError, messageOf } from '../core/errors.ts';

/** The refusal (code DISK) for a write to `path` that failed with `cause`. */
export function diskError(path: string, cause: unknown): AppError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  return new AppError('DISK', `cannot write ${path}: ${messageOf(cause)}`, { remedy: remedyFor(code), cause });
}

function remedyFor(code: string): string {
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return 'make room on the disk, or name a folder on another one with --out';
    case 'EEXIST':
      return 'name a new folder: a journal is never overwritten';
    default:
      return 'name a folder that may be written to';
  }
}
