/** Password hashes by scrypt, in one line of text with all parameters that verification needs. */
import { randomBytes, type ScryptOptions, scrypt, timingSafeEqual } from 'node:crypto';

/** 32 MiB and about 100 ms for each guess. */
const cost = { N: 2 ** 15, r: 8, p: 1 } as const;
/** A hash in the operators' file that needs more memory is not computed, since it would block the process. */
const maxMemoryBytes = 256 * 1024 * 1024;
const keyBytes = 32;
const saltBytes = 16;

const hashPattern = /^scrypt\$(\d{1,8})\$(\d{1,3})\$(\d{1,3})\$([\w-]{16,})\$([\w-]{43})$/;

export function isPasswordHash(text: string): boolean {
  return hashPattern.test(text);
}

/** @returns `scrypt$N$r$p$salt$key` */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const key = await deriveKey(password, salt, cost);
  return ['scrypt', cost.N, cost.r, cost.p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const [, N, r, p, salt = '', key = ''] = hashPattern.exec(hash) ?? [];
  if (N === undefined) return false;
  const options = { N: Number(N), r: Number(r), p: Number(p) };
  const derived = await deriveKey(password, Buffer.from(salt, 'base64url'), options);
  return timingSafeEqual(derived, Buffer.from(key, 'base64url'));
}

function deriveKey(password: string, salt: Buffer, options: ScryptOptions): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    // The same password typed on different keyboards can have different code points.
    scrypt(password.normalize('NFC'), salt, keyBytes, { ...options, maxmem: maxMemoryBytes }, (error, key) =>
      error ? reject(error) : resolve(key),
    );
  });
}
