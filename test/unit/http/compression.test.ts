import type { IncomingMessage } from 'node:http'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { encodingFor, pack } from '../../../src/http/compression.ts'

const LONG = 100_000
const asking = (header: string | undefined) =>
  ({ headers: { 'accept-encoding': header } }) as unknown as IncomingMessage

it.each([
  ['br, gzip', LONG, 'br'],
  ['gzip, deflate, br', LONG, 'br'],
  ['gzip', LONG, 'gzip'],
  ['GZIP;q=0.5', LONG, 'gzip'],
  ['br;q=0.1, gzip;q=0.9', LONG, 'gzip'],
  ['*', LONG, 'br'],
  ['br;q=0, *', LONG, 'gzip'],
  ['identity', LONG, undefined],
  ['deflate', LONG, undefined],
  ['*;q=0', LONG, undefined],
  ['', LONG, undefined],
  [undefined, LONG, undefined],
  ['br, gzip', 1_000, undefined],
])('%s for %i bytes is %s', (header, bytes, encoding) => {
  expect(encodingFor(asking(header), bytes)).toBe(encoding)
})

it('what is packed is unpacked as it was', async () => {
  const body = JSON.stringify({
    data: Array.from({ length: 1_000 }, (_, index) => ({ index, text: 'ä€😀' })),
  })
  const [br, gzipped] = [await pack('br', [body]), await pack('gzip', [body])]
  expect(brotliDecompressSync(br).toString()).toBe(body)
  expect(gunzipSync(gzipped).toString()).toBe(body)
  expect(Math.max(br.length, gzipped.length)).toBeLessThan(body.length / 4)
})
