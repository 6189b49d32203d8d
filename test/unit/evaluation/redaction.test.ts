import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse as parseYaml, stringify } from 'yaml'
import { redactTree, redactYaml } from '../../../src/evaluation/redaction/redaction.ts'
import type { JsonObject, JsonValue } from '../../../src/json.ts'
import { withSharedData } from '../../support/sharedData.ts'

const GONE = '<redacted>'

function redacted(tree: JsonValue): JsonValue {
  return redactTree(structuredClone(tree)).tree
}

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })
const mixed = (minLength: number) =>
  fc
    .string({
      unit: fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'),
      minLength,
      maxLength: 60,
    })
    .map((text) => `${text}7q`)

/** Keys as their providers make them: recognised in any text. */
const shapedSecret = fc.oneof(
  mixed(20).map((text) => `sk-${text}`),
  mixed(40).map((text) => `sk-proj-${text.slice(0, 9)}_-${text.slice(9)}`),
  hex(64).map((text) => `sk-or-v1-${text}`),
  mixed(30).map((text) => `sk-ant-api03-${text}-AA`),
  mixed(36).map((text) => `ghp_${text}`),
  mixed(40).map((text) => `github_pat_${text}`),
  hex(16).map((text) => `AKIA${text.toUpperCase()}`),
  mixed(24).map((text) => `xoxb-1234567890-${text}`),
  mixed(33).map((text) => `AIza${text}`),
  mixed(34).map((text) => `hf_${text}`),
  mixed(24).map((text) => `ya29.${text}`),
  mixed(20).map((text) => `eyJ${text}.eyJ${text}.${text}`),
  mixed(60).map((text) => `-----BEGIN RSA PRIVATE KEY-----\n${text}\n${text}\n-----END RSA PRIVATE KEY-----`),
)

/** Nothing in these tells that they are secrets but the name they stand under. */
const plainSecret = fc.oneof(
  mixed(6),
  fc.stringMatching(/^[a-z]{4,9} [a-z]{4,9}9$/),
  fc.stringMatching(/^[!#@/+=:-]{1,3}[a-z]{6,10}["\\]{0,2}é[0-9]{2}$/),
)

const secretName = fc.constantFrom(
  'api_key',
  'apiKey',
  'API-Key',
  'OPENAI_API_KEY',
  'x-api-key',
  'api_key_2',
  'AccountKey',
  'client_secret',
  'password',
  'db.password',
  'Authorization',
  'aws_secret_access_key',
  'accessToken',
  'private_key',
)

const words = fc
  .array(
    fc.constantFrom(
      'token',
      'the',
      'key',
      'of',
      'max_tokens',
      'fix:',
      '"a"',
      '=',
      'déjà',
      '\n',
      '😀',
      'secret',
    ),
  )
  .map((all) => all.join(' '))

/** A tree in which what stands at `secret` is one more entry, somewhere. */
function treeWith(secret: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonValue> {
  return fc.letrec<{ tree: JsonValue }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 5, depthSize: 'small' },
      secret,
      fc.tuple(words, tie('tree')).map(([text, tree]) => ({ text, tree })),
      fc.tuple(tie('tree'), fc.integer()).map((list) => list as JsonValue[]),
    ),
  })).tree
}

describe('no planted secret is left', () => {
  test.each<[string, fc.Arbitrary<[string, JsonObject]>]>([
    [
      'of a known shape, in any text',
      fc
        .tuple(shapedSecret, words, words)
        .map(([secret, before, after]) => [secret, { text: `${before} "${secret}" ${after}` }]),
    ],
    ['of a known shape, as a key', fc.tuple(shapedSecret).map(([secret]) => [secret, { [secret]: 1, b: 2 }])],
    [
      'under its name',
      fc.tuple(plainSecret, secretName).map(([secret, name]) => [secret, { [name]: secret }]),
    ],
    [
      'in a list under its name',
      fc.tuple(plainSecret).map(([secret]) => [secret, { api_keys: ['$KEY', secret] }]),
    ],
    [
      'in the arguments of a call',
      fc.tuple(plainSecret, secretName).map(([secret, name]) => [
        secret,
        {
          function: { name: 'f', arguments: JSON.stringify({ n: 1, deep: [{ [name]: secret }] }, null, 1) },
        },
      ]),
    ],
    [
      'as an environment or an option',
      fc
        .tuple(plainSecret, secretName)
        .map(([secret, name]) => [
          secret,
          { env: [{ name, value: secret }], args: ['run', `--${name}`, secret] },
        ]),
    ],
    [
      'in a command',
      fc
        .tuple(
          mixed(6),
          fc.constantFrom(
            'API_KEY=',
            '--api-key ',
            '--password=',
            'https://me:',
            'https://x/?api_key=',
            '-H "Authorization: Bearer ',
            "-H 'authorization: basic ",
          ),
        )
        .map(([secret, before]) => [
          secret,
          { command: `run ${before}${secret}${before.includes('me:') ? '@host/' : ''} && rest` },
        ]),
    ],
  ])('%s', (_, planted) => {
    const cases = planted.chain(([secret, object]) =>
      fc.tuple(fc.constant(secret), treeWith(fc.constant(object))),
    )
    fc.assert(
      fc.property(cases, ([secret, tree]) => {
        const { tree: result, redactions } = redactTree(structuredClone(tree))
        const text = JSON.stringify(result)
        expect(text).not.toContain(JSON.stringify(secret).slice(1, -1))
        expect(text).not.toContain(JSON.stringify(JSON.stringify(secret)).slice(3, -3))
        expect(text).toContain(GONE)
        expect(redactions.secrets.size).toBe(1)
        expect(redacted(tree)).toEqual(result)
        expect(redacted(result)).toEqual(result)
      }),
      { numRuns: 200 },
    )
  })

  test('of a YAML text, and no other byte is changed', () => {
    const value = fc.oneof(shapedSecret, plainSecret)
    fc.assert(
      fc.property(
        treeWith(fc.tuple(secretName, value).map(([name, secret]) => ({ [name]: secret }))),
        fc.boolean(),
        (tree, flow) => {
          const yaml = stringify({ model: 'm-1', tree }, { collectionStyle: flow ? 'flow' : 'any' })
          const { text, redactions } = redactYaml(yaml)
          expect(redactions.secrets.size).toBe(1)
          expect(parseYaml(text)).toEqual(redacted(parseYaml(yaml)))
          const [before = '', after = ''] = text.split(GONE)
          expect(yaml.startsWith(before)).toBe(true)
          expect(yaml.endsWith(after)).toBe(true)
          expect(redactYaml(text).text).toBe(text)
        },
      ),
    )
  })
})

describe('what is no secret stays', () => {
  test('in trees and YAML of ordinary words, to the byte', () => {
    fc.assert(
      fc.property(treeWith(words.map((text) => ({ text, max_tokens: 5, token_usage: text }))), (tree) => {
        expect(redacted(tree)).toEqual(tree)
        const yaml = stringify({ tree })
        expect(redactYaml(yaml)).toEqual({ text: yaml, redactions: { secrets: new Set(), places: 0 } })
      }),
    )
  })

  test.each<[string, JsonValue]>([
    [
      'counts and settings of tokens',
      {
        max_tokens: 512,
        prompt_tokens: 128000,
        tokens_used: '7',
        tokenizer: 'gpt2-v1.0',
        token_usage: 'a1b2c3',
      },
    ],
    [
      'names of the variable that has it',
      { api_key: '$OPENAI_API_KEY', token: 'GITHUB_TOKEN', password: '$(cat key)' },
    ],
    [
      'templates and references',
      {
        api_key: '{{ key }}',
        secret: 'os.environ/SECRET1',
        password: '<your password>',
        authorization: 'Bearer $TOKEN',
      },
    ],
    ['masks', { api_key: '***', password: 'sk-...', secret: 'xxxxxxxxxxxx', token: '' }],
    ['nothing', { api_key: null, password: '', secret: 'none', authorization: false }],
    [
      'the schema of an argument',
      { properties: { password: { type: 'string', description: 'Of the user.' } }, required: ['password'] },
    ],
    ['what a model said, token by token', { content: [{ token: 'refactorings12', logprob: -0.1 }] }],
    ['marks of a tokenizer', { eos_token: '</s>', pad_token: '<pad>', unk_token: '[UNK]', token: 'running' }],
    [
      'class names and prose',
      'a <div class="sk-container-id-1 sk-toggleable__label">, https://host:8080/a@b, key: value, the token=next',
    ],
    [
      'code',
      'def f(password=None, token=token, api_key=os.environ["API_KEY"]): secret = get_secret(1234567)',
    ],
    [
      'commands',
      'export API_KEY=$OTHER_KEY2 TOKEN=$(cat token9) && login --password "$PASSWORD_1" --token <token1234>',
    ],
    [
      'hashes',
      { commit: '5b143857cb7af8b22fd421a103429f76f5259f08', id: 'call_00_kfHeVLenQmstCHAGseA1D2TR' },
    ],
  ])('%s', (_, tree) => {
    expect(redacted(tree)).toEqual(tree)
    expect(redacted(JSON.stringify(tree))).toEqual(JSON.stringify(tree))
  })

  withSharedData('in real data', (data) => {
    const names = readdirSync(data, { recursive: true, encoding: 'utf8' })
    const read = (name: string) => readFileSync(new URL(name, data), 'utf8')

    test('in result files', () => {
      for (const name of names.filter((each) => /\.(json|traj)$/.test(each))) {
        const text = read(name)
        if (/\bNaN\b/.test(text)) continue
        expect([name, redactTree(JSON.parse(text)).redactions.places]).toEqual([name, 0])
      }
    })

    test('in configurations', () => {
      for (const name of names.filter((each) => each.endsWith('.yaml'))) {
        const text = read(name)
        expect(redactYaml(text).text).toBe(text)
      }
    })
  })
})

test('a YAML text keeps its comments, anchors and quotes; an alias counts once', () => {
  const yaml = [
    '# api_key: sk-abcdefghijklmnop1234',
    'model: m-1 # stays',
    'api_key: &key "hun\\"ter2" # stays, too',
    'spare: {apiKey: *key, token: tok_abc123, n: 1}',
    'password: |-',
    '  two',
    '  lines',
    'merged: {<<: &base {secret: s3cret}}',
    'again: *base',
    '',
  ]
  expect(redactYaml(yaml.join('\n'))).toEqual({
    text: [
      '# api_key: <redacted>',
      'model: m-1 # stays',
      'api_key: &key <redacted> # stays, too',
      'spare: {apiKey: *key, token: <redacted>, n: 1}',
      'password: <redacted>',
      'merged: {<<: &base {secret: <redacted>}}',
      'again: *base',
      '',
    ].join('\n'),
    redactions: {
      secrets: new Set(['hun"ter2', 'tok_abc123', 'two\nlines', 's3cret', 'sk-abcdefghijklmnop1234']),
      places: 5,
    },
  })
})

test('two keys that lose the same secret stay two, and __proto__ is a key', () => {
  const tree = JSON.parse(
    '{"sk-abcdefghijklmnop1": 1, "sk-abcdefghijklmnop2": 2, "__proto__": {"password": "pw1"}}',
  )
  expect(JSON.stringify(redacted(tree))).toBe(
    '{"<redacted>":1,"<redacted> 2":2,"__proto__":{"password":"<redacted>"}}',
  )
})

test('a tree as deep as a file may be is walked', () => {
  const deep = `${'['.repeat(50_000)}{"password":"pw1"}${']'.repeat(50_000)}`
  expect(redactTree(JSON.parse(deep)).redactions.places).toBe(1)
})

test('secrets of any length are told apart by little', () => {
  const longSecret = (end: string) => `${'k'.repeat(20_000)}${end}`
  const [one, other] = [longSecret('a1'), longSecret('b2')]
  const { secrets } = redactTree([{ password: one }, { password: other }, { password: one }]).redactions
  expect(secrets.size).toBe(2)
  for (const secret of secrets) expect(secret.length).toBeLessThan(100)
})
