import { afterEach, describe, expect, it } from 'vitest'
import {
  EMBEDDING_WIDTH,
  type Embedded,
  EmbeddingError,
  UnembeddableText,
} from '../../../src/embedding/embeddingProvider.ts'
import { OpenAiProvider, type OpenAiSettings } from '../../../src/embedding/openAiProvider.ts'
import { neededProvider, openProvider } from '../../../src/embedding/openProvider.ts'
import {
  answerOf,
  type Behaviour,
  base64Of,
  EmbeddingEndpoint,
  type EmbeddingRequest,
  embeddingOf,
} from '../../support/embeddingEndpoint.ts'

const KEY = 'sk-only-tests-know-it'
const undo: (() => Promise<void>)[] = []

afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step()
})

async function endpoint(behaviour: Behaviour, settings: Partial<OpenAiSettings> = {}) {
  const server = await EmbeddingEndpoint.start(behaviour)
  undo.push(() => server.close())
  const provider = new OpenAiProvider(
    { url: server.url, model: 'm', key: KEY, dimensions: undefined, ...settings },
    { timeoutMs: 1_000, firstPauseMs: 2 },
  )
  undo.push(() => provider.close())
  return { server, provider }
}

/** As OpenAI, vLLM and Ollama answer; also TEI, which takes 32 texts. */
const asOpenAi: Behaviour = ({ body }) => {
  const vectors = body.input.map((text) => embeddingOf(text, body.dimensions ?? 384))
  return answerOf(body.encoding_format === 'base64' ? vectors.map(base64Of) : vectors)
}
const refusing =
  (status: number, body: unknown, isRefused: (request: EmbeddingRequest) => boolean): Behaviour =>
  (request, count) =>
    isRefused(request)
      ? {
          status,
          body: typeof body === 'string' ? body : JSON.stringify(body),
          headers: { location: '/v1/elsewhere' },
        }
      : asOpenAi(request, count)

const lengthOf = (embedded: Embedded | undefined) => Math.hypot(...(embedded as Float32Array))
const isLong = ({ body }: EmbeddingRequest) => body.input.some((text) => text.startsWith('long'))

describe('an endpoint like OpenAI’s', () => {
  it('gives one vector for each text, of length 1 and filled up to 1536, in the order of the texts', async () => {
    const { server, provider } = await endpoint(asOpenAi)
    expect(provider.dimensions).toBeNull()
    const embedded = await provider.embed(['one', ' \n', 'three'])
    expect(embedded[1]).toBeInstanceOf(UnembeddableText)
    for (const [at, text] of [
      [0, 'one'],
      [2, 'three'],
    ] as const) {
      const vector = embedded[at] as Float32Array
      const made = embeddingOf(text, 384)
      expect(vector).toHaveLength(EMBEDDING_WIDTH)
      expect(lengthOf(vector)).toBeCloseTo(1, 5)
      expect(vector[0]! / vector[1]!).toBeCloseTo(made[0]! / made[1]!, 4)
      expect(vector.subarray(384).every((value) => value === 0)).toBe(true)
    }
    expect(provider).toMatchObject({ model: 'openai:m', dimensions: 384 })
    expect(server.requests).toEqual([
      {
        authorization: `Bearer ${KEY}`,
        path: '/v1/embeddings',
        body: { model: 'm', input: ['one', 'three'], encoding_format: 'base64' },
      },
    ])
  })

  it.each<[string, Behaviour]>([
    [
      'lists of numbers, whatever was asked',
      ({ body }) => answerOf(body.input.map((text) => embeddingOf(text, 8))),
    ],
    [
      'vectors in another order, by their index',
      ({ body }) =>
        answerOf(body.input.map((text) => embeddingOf(text, 8)).reverse(), [...body.input.keys()].reverse()),
    ],
    [
      'vectors without an index',
      ({ body }) =>
        answerOf(
          body.input.map((text) => embeddingOf(text, 8)),
          [],
        ),
    ],
    [
      'a refusal of base64',
      refusing(
        400,
        { error: { message: 'encoding_format must be float' } },
        ({ body }) => body.encoding_format === 'base64',
      ),
    ],
  ])('is read with %s', async (_, behaviour) => {
    const { provider } = await endpoint(behaviour)
    const [short, long] = await provider.embed(['ab', 'abcdefgh'])
    expect((long as Float32Array)[0]! / (long as Float32Array)[1]!).toBeCloseTo(8, 3)
    expect((short as Float32Array)[0]! / (short as Float32Array)[1]!).toBeCloseTo(2, 3)
  })

  it('is sent neither too many texts nor too many characters at once, and of one text its start', async () => {
    const { server, provider } = await endpoint(asOpenAi)
    await provider.embed([...Array<string>(300).fill('x'), ...Array<string>(9).fill('y'.repeat(30_000))])
    expect(server.requests.map(({ body }) => body.input.length)).toEqual([128, 128, 48, 4, 1])
    expect(server.requests.at(-1)!.body.input[0]).toHaveLength(24_000)
  })

  it('that takes fewer texts is sent fewer from then on', async () => {
    const { server, provider } = await endpoint(
      refusing(
        413,
        { error: 'batch size 100 > maximum allowed batch size 32', error_type: 'Validation' },
        ({ body }) => body.input.length > 32,
      ),
    )
    expect(
      (await provider.embed(Array<string>(100).fill('x'))).every((one) => one instanceof Float32Array),
    ).toBe(true)
    server.requests.length = 0
    await provider.embed(Array<string>(100).fill('x'))
    expect(server.requests.map(({ body }) => body.input.length)).toEqual([25, 25, 25, 25])
  })

  it.each([
    [400, { error: { message: 'maximum context length is 8192 tokens', type: 'invalid_request_error' } }],
    [422, { error: 'Input validation error: must have less than 512 tokens', error_type: 'Tokenizer' }],
    [400, { object: 'error', message: 'too long: maximum context length is 512 tokens', code: 400 }],
    [413, 'payload has too many tokens'],
  ])('that refuses one text with %i costs the others nothing', async (status, body) => {
    const { provider } = await endpoint(refusing(status, body, isLong))
    const embedded = await provider.embed(['a', 'b', 'long …', 'd', 'e'])
    expect(embedded.map((one) => one instanceof Float32Array)).toEqual([true, true, false, true, true])
    expect((embedded[2] as UnembeddableText).reason).toMatch(new RegExp(`tokens.*status ${status}`))
  })

  it.each([
    [401, 'Incorrect API key provided: sk-only-tests-know-it', 'does not accept ARC_EMBEDDINGS_KEY'],
    [403, 'no access', 'does not allow it with ARC_EMBEDDINGS_KEY'],
    [404, 'model "m" not found, try pulling it first', 'no such path or no such model'],
    [307, '', 'is somewhere else'],
    [
      400,
      'this model does not support matryoshka representation',
      'refuses every text: this model does not support',
    ],
  ])('that answers %i is asked once, and the reason has no key in it', async (status, message, words) => {
    const { server, provider } = await endpoint(refusing(status, { error: { message } }, () => true))
    const error = await provider.embed(['a']).catch((reason: EmbeddingError) => reason)
    expect(error).toBeInstanceOf(EmbeddingError)
    expect(error).toMatchObject({ isPassing: false, message: expect.stringContaining(words) })
    expect(`${(error as Error).stack} ${JSON.stringify(error)}`).not.toContain(KEY)
    // A refusal of texts is tried on a plain one.
    expect(server.requests).toHaveLength(status === 400 ? 2 : 1)
  })

  it.each<[string, ReturnType<Behaviour>]>([
    ['408', { status: 408, body: '' }],
    ['409', { status: 409, body: '' }],
    ['425', { status: 425, body: '' }],
    ['429', { status: 429, body: '{"error":{"message":"slow down"}}', headers: { 'retry-after': '0' } }],
    ['500', { status: 500, body: 'oops' }],
    ['503', { status: 503, body: '<html>', headers: { 'retry-after': new Date().toUTCString() } }],
    ['nothing, and hangs up', 'hang up'],
    ['nothing in time', 'silence'],
  ])('that answers %s is asked again', async (_, answer) => {
    const { server, provider } = await endpoint((request, count) =>
      count < 3 ? answer : asOpenAi(request, count),
    )
    expect(lengthOf((await provider.embed(['a']))[0])).toBeCloseTo(1, 5)
    expect(server.requests).toHaveLength(3)
  })

  it('that is asked again waits as long as it wants, and a long wait is the caller’s', async () => {
    const { provider } = await endpoint((request, count) =>
      count === 1 ? { status: 429, body: '', headers: { 'retry-after': '1' } } : asOpenAi(request, count),
    )
    const begun = performance.now()
    await provider.embed(['a'])
    expect(performance.now() - begun).toBeGreaterThan(990)

    const busy = await endpoint(() => ({ status: 429, body: '', headers: { 'retry-after': '3600' } }))
    await expect(busy.provider.embed(['a'])).rejects.toMatchObject({
      isPassing: true,
      retryAfterMs: 3_600_000,
    })
    expect(busy.server.requests).toHaveLength(1)
  })

  it('that never answers well is given up after five times, in words', async () => {
    const { server, provider } = await endpoint(() => ({ status: 503, body: 'in maintenance' }))
    await expect(provider.embed(['a'])).rejects.toMatchObject({
      isPassing: true,
      message: expect.stringMatching(
        /^The endpoint for embeddings \(127\.0\.0\.1:\d+\) .*in maintenance \(status 503\)\.$/,
      ),
    })
    expect(server.requests).toHaveLength(5)
  })

  it('that is not there is told as such', async () => {
    const { server, provider } = await endpoint(asOpenAi)
    await server.close()
    await expect(provider.embed(['a'])).rejects.toMatchObject({
      isPassing: true,
      message: expect.stringContaining('did not answer (ECONNREFUSED)'),
    })
    undo.splice(0, 1)
  })

  it.each<[string, Behaviour, string]>([
    [
      'a vector too few',
      ({ body }) => answerOf(body.input.slice(1).map((text) => embeddingOf(text, 8))),
      '2 texts with 1 vectors',
    ],
    [
      'an index twice',
      ({ body }) =>
        answerOf(
          body.input.map((text) => embeddingOf(text, 8)),
          [0, 0],
        ),
      'not numbered',
    ],
    [
      'an index beyond',
      ({ body }) =>
        answerOf(
          body.input.map((text) => embeddingOf(text, 8)),
          [0, 2],
        ),
      'not numbered',
    ],
    [
      'different lengths',
      ({ body }) => answerOf(body.input.map((text, at) => embeddingOf(text, 8 + at))),
      'different lengths',
    ],
    [
      'what is no number',
      () =>
        answerOf([
          [1, null],
          [1, 2],
        ]),
      'no numbers',
    ],
    ['NaN in base64', () => answerOf([base64Of([1, Number.NaN]), base64Of([1, 2])]), 'no numbers'],
    ['half a float', () => answerOf(['AAAA', 'AAAA']), 'a vector of 3 bytes'],
    [
      'zeros',
      () =>
        answerOf([
          [0, 0],
          [0, 0],
        ]),
      'a vector of zeros',
    ],
    ['empty vectors', () => answerOf([[], []]), 'an empty vector'],
    [
      'a page of a proxy',
      () => ({ body: '<html>Please log in</html>' }),
      'no list of embeddings: <html>Please log in',
    ],
    ['more than there can be', () => ({ body: `"${'x'.repeat(3_000_000)}"` }), 'more than'],
    [
      'too many dimensions',
      ({ body }) => answerOf(body.input.map((text) => embeddingOf(text, 3_072))),
      'ARC_EMBEDDINGS_DIMENSIONS to 1536 or less',
    ],
  ])('that answers with %s is not believed', async (_, behaviour, words) => {
    const { server, provider } = await endpoint(behaviour)
    await expect(provider.embed(['a', 'b'])).rejects.toMatchObject({
      name: 'EmbeddingError',
      isPassing: false,
      message: expect.stringContaining(words),
    })
    expect(server.requests).toHaveLength(1)
  })

  it('is asked to shorten vectors where that is configured, which is part of the name', async () => {
    const { server, provider } = await endpoint(asOpenAi, { dimensions: 256 })
    await provider.embed(['a'])
    expect(server.requests[0]!.body.dimensions).toBe(256)
    expect(provider).toMatchObject({ model: 'openai:m@256', dimensions: 256 })
    const large = new OpenAiProvider({
      url: server.url,
      model: 'text-embedding-3-large',
      key: undefined,
      dimensions: undefined,
    })
    await large.embed(['a'])
    expect(server.requests[1]).toMatchObject({ authorization: undefined, body: { dimensions: 1536 } })
    expect(large.model).toBe('openai:text-embedding-3-large@1536')

    const deaf = await endpoint(({ body }) => answerOf(body.input.map((text) => embeddingOf(text, 384))), {
      dimensions: 256,
    })
    await expect(deaf.provider.embed(['a'])).rejects.toThrow('vectors of 384 numbers, not of 256')
  })

  it('whose model changed under its name is not believed', async () => {
    const { provider } = await endpoint((_, count) => answerOf([embeddingOf('a', count === 1 ? 384 : 768)]))
    await provider.embed(['a'])
    await expect(provider.embed(['a'])).rejects.toThrow(
      '768 numbers, and made some of 384 under the same name before',
    )
  })

  it('is left at once by who gives up, and by a server that stops', async () => {
    const { provider } = await endpoint(() => ({ status: 503, body: '', headers: { 'retry-after': '30' } }))
    const left = new AbortController()
    const asked = provider.embed(['a'], left.signal)
    left.abort(new Error('no longer wanted'))
    await expect(asked).rejects.toThrow('no longer wanted')
    const waiting = expect(provider.embed(['a'])).rejects.toThrow('The server stops.')
    await provider.close()
    await waiting
    await expect(provider.embed(['a'])).rejects.toBeInstanceOf(EmbeddingError)
  })
})

describe('the settings', () => {
  it('name an endpoint, the embedded model, or nobody, which is said to whoever asks', async () => {
    const endpoint = {
      provider: 'openai',
      url: 'http://x/v1/embeddings',
      model: 'm',
      key: undefined,
      dimensions: undefined,
    } as const
    expect(neededProvider(openProvider(endpoint)).model).toBe('openai:m')
    const minilm = neededProvider(openProvider({ provider: 'minilm' }))
    expect(minilm.model).toBe('minilm:all-MiniLM-L6-v2#1')
    await minilm.close()
    const none = openProvider({ provider: 'none' })
    expect(none).toBeNull()
    expect(() => neededProvider(none)).toThrow('This server makes no embeddings: ARC_EMBEDDINGS is "none".')
  })
})
