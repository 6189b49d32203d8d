import type { EmbeddingInput } from './operations.ts'

/** A vector that a model of the caller's made, of exactly one thing: 1536 numbers. */
export type OwnEmbedding = Omit<EmbeddingInput, 'vector' | 'vectorBase64'> & {
  vector: ArrayLike<number>
}

/** As 32-bit floats in base64: a quarter of the bytes that the numbers take as text. */
export function embeddingInput({ vector, ...of }: OwnEmbedding): EmbeddingInput {
  const floats = new DataView(new ArrayBuffer(4 * vector.length))
  for (let at = 0; at < vector.length; at++) floats.setFloat32(4 * at, vector[at]!, true)
  let bytes = ''
  for (const byte of new Uint8Array(floats.buffer)) bytes += String.fromCharCode(byte)
  return { ...of, vectorBase64: btoa(bytes) }
}
