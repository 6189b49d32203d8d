import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { ConfigError, readConfig } from '../../src/config.ts'

const SECRET = { ARC_JWT_SECRET: 'a secret that only tests know, of 32 bytes and more' }
const HERE = 'postgresql://arc@127.0.0.1/arc'

describe('the settings', () => {
  it.each([
    ['disable', false],
    ['require', { rejectUnauthorized: false }],
    ['verify-full', {}],
  ])('take sslmode=%s as libpq does', (mode, tls) => {
    const { databaseUrl } = readConfig({ ...SECRET, DATABASE_URL: `${HERE}?sslmode=${mode}` })
    expect(new pg.Client({ connectionString: databaseUrl }).ssl).toEqual(tls)
  })

  it.each(['DATABASE_URL', 'DATABASE_DIRECT_URL', 'DATABASE_ADMIN_URL', 'TIMESCALE_SERVICE_URL'])(
    'take no sslmode that libpq does not know, in %s',
    (name) => {
      const url = 'postgresql://arc:password@127.0.0.1/arc?sslmode=requrie'
      const read = () => readConfig({ ...SECRET, [name]: url })
      expect(read).toThrow(ConfigError)
      expect(read).toThrow(
        `sslmode in ${name} must be one of disable, allow, prefer, require, verify-ca, verify-full, not "requrie".`,
      )
    },
  )

  it('take the URL of a Timescale service, which is its owner’s', () => {
    const service = 'postgresql://tsdbadmin@service.example/tsdb'
    expect(readConfig({ ...SECRET, TIMESCALE_SERVICE_URL: service })).toMatchObject({
      databaseUrl: service,
      databaseAdminUrl: service,
      sample: false,
    })
    expect(readConfig({ ...SECRET, TIMESCALE_SERVICE_URL: service, DATABASE_URL: HERE })).toMatchObject({
      databaseUrl: HERE,
      databaseAdminUrl: service,
    })
  })

  it.each([
    [{}, undefined],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' }, 'http://collector:4318/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector/otlp/' }, 'https://collector/otlp/v1/traces'],
    [{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://collector/here' }, 'http://collector/here'],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector', OTEL_SDK_DISABLED: 'true' }, undefined],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector', OTEL_TRACES_EXPORTER: 'none' }, undefined],
  ])('%j sends spans to %s, as OpenTelemetry has it', (env, url) => {
    expect(readConfig({ ...SECRET, ...env }).observe.tracesUrl).toBe(url)
  })

  it.each([
    ['http://127.0.0.1:11434', 'http://127.0.0.1:11434/v1/chat/completions'],
    ['https://api.openai.com/v1/', 'https://api.openai.com/v1/chat/completions'],
    ['https://llm.example/any/chat/completions', 'https://llm.example/any/chat/completions'],
  ])('find the language model behind %s', (given, url) => {
    const env = { ...SECRET, ARC_LLM_URL: given, ARC_LLM_MODEL: 'gpt-x', ARC_LLM_KEY: 'sk' }
    expect(readConfig(env).language).toEqual({ url, model: 'gpt-x', key: 'sk' })
  })

  it.each([
    [{ ARC_LLM_MODEL: 'x' }, 'ARC_LLM_MODEL is for an endpoint'],
    [{ ARC_LLM_KEY: 'x' }, 'ARC_LLM_KEY is for an endpoint'],
    [{ ARC_LLM_URL: 'http://h' }, 'needs the name of a model: ARC_LLM_MODEL'],
    [{ ARC_LLM_URL: 'ftp://h', ARC_LLM_MODEL: 'x' }, 'not "ftp://h"'],
    [{ ARC_LLM_URL: 'http://me:secret@h', ARC_LLM_MODEL: 'x' }, 'the key is ARC_LLM_KEY'],
    [
      { ARC_LLM_URL: 'http://h', ARC_LLM_MODEL: 'x', ARC_LLM_KEY: 'a b' },
      'characters that no header can have',
    ],
  ])('take no half of a language model: %o', (env, message) => {
    const read = () => readConfig({ ...SECRET, ...env })
    expect(read).toThrow(ConfigError)
    expect(read).toThrow(message)
    expect(readConfig(SECRET).language).toBeUndefined()
  })

  it.each([
    [{}, { provider: 'minilm' }],
    [{ ARC_EMBEDDINGS: 'none' }, { provider: 'none' }],
    [
      { ARC_EMBEDDINGS: 'http://tei:8080', ARC_EMBEDDINGS_MODEL: 'm' },
      { url: 'http://tei:8080/v1/embeddings', key: undefined },
    ],
    [
      { ARC_EMBEDDINGS: 'https://api.example/v1/', ARC_EMBEDDINGS_MODEL: 'm' },
      { url: 'https://api.example/v1/embeddings' },
    ],
    [
      {
        ARC_EMBEDDINGS: 'https://x.example/a/embeddings?api-version=1',
        ARC_EMBEDDINGS_MODEL: 'm',
        ARC_EMBEDDINGS_KEY: 'k',
        ARC_EMBEDDINGS_DIMENSIONS: '256',
      },
      {
        provider: 'openai',
        url: 'https://x.example/a/embeddings?api-version=1',
        model: 'm',
        key: 'k',
        dimensions: 256,
      },
    ],
  ])('%j embeds with %j', (env, embeddings) => {
    expect(readConfig({ ...SECRET, ...env }).embeddings).toMatchObject(embeddings)
  })

  it('say which of them is wrong', () => {
    const endpoint = { ARC_EMBEDDINGS: 'http://here/v1', ARC_EMBEDDINGS_MODEL: 'm' }
    for (const [env, message] of [
      [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4318' }, 'takes a URL like http://localhost:4318'],
      [
        { ARC_EMBEDDINGS: 'openai' },
        'takes minilm, none or a URL like https://api.openai.com/v1, not "openai"',
      ],
      [{ ARC_EMBEDDINGS: 'http://here/v1' }, 'needs the name of a model: ARC_EMBEDDINGS_MODEL'],
      [
        { ARC_EMBEDDINGS: 'http://a:secret@here/v1' },
        'takes a URL without a password: the key is ARC_EMBEDDINGS_KEY.',
      ],
      [{ ARC_EMBEDDINGS_KEY: 'k' }, 'ARC_EMBEDDINGS_KEY is for an endpoint: set ARC_EMBEDDINGS to its URL'],
      [
        { ...endpoint, ARC_EMBEDDINGS_KEY: 'two words' },
        'ARC_EMBEDDINGS_KEY has characters that no header can have',
      ],
      [
        { ...endpoint, ARC_EMBEDDINGS_DIMENSIONS: '3072' },
        'must be a whole number from 1 to 1536, not "3072"',
      ],
      [
        { ARC_LOG_LEVEL: 'loud' },
        'must be one of fatal, error, warn, info, debug, trace, silent, not "loud"',
      ],
      [{ ARC_METRICS_PORT: 'on' }, 'ARC_METRICS_PORT must be a whole number from 0 to 65535'],
      [{ ARC_DRAIN_SECONDS: '-1' }, 'ARC_DRAIN_SECONDS must be a whole number from 0 to 600'],
    ] as const)
      expect(() => readConfig({ ...SECRET, ...env })).toThrow(message)
  })
})
