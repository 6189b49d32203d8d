import { createHash, randomBytes } from 'node:crypto'

/** `arc_` and 8 characters to tell keys apart by; after another `_`, 43 characters that nobody guesses. */
const SECRET = /^arc_[a-z2-7]{8}_[\w-]{43}$/
const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567'

/** Whether this may be the secret of an API key; a token never is. */
export function isSecret(text: string): boolean {
  return SECRET.test(text)
}

/** SHA-256. No salt and nothing slow: 256 random bits are not guessed, and each request looks them up. */
export function hashOf(secret: string): Buffer {
  return createHash('sha256').update(secret).digest()
}

/** The secret of a new key. All that is kept of it is the prefix and the hash. */
export function newSecret(): { secret: string; prefix: string; hash: Buffer } {
  const letters = Array.from(randomBytes(8), (byte) => ALPHABET[byte % ALPHABET.length])
  const prefix = `arc_${letters.join('')}`
  const secret = `${prefix}_${randomBytes(32).toString('base64url')}`
  return { secret, prefix, hash: hashOf(secret) }
}
