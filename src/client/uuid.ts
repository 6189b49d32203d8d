/** A new UUID that begins with the time (version 7, RFC 9562), as the server's own do: rows of one time lie together. */
export function uuidV7(): string {
  // Not randomUUID: browsers have it in secure contexts only.
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const now = Date.now()
  const view = new DataView(bytes.buffer)
  view.setUint32(0, Math.floor(now / 2 ** 16))
  view.setUint16(4, now % 2 ** 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}
