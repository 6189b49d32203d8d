import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { faultOf, worded } from '../../../src/evaluation/recommendations/wording.ts'
import { ChatCompletions } from '../../../src/language/chatCompletions.ts'
import { WebhookReceiver } from '../../support/webhookReceiver.ts'

const FACTS =
  'The tool search-2 fails often: under version 3 in 12.5 % of 1,200 calls (10 % to 15 %). A run costs $0.02 more.'
const GOOD = 'Mend search-2 first: 12.5 % of its 1200 calls fail under version 3, at $0.02 more a run.'

const receiver = new WebhookReceiver()
const refused: string[] = []
const KEY = 'sk-secret'

beforeAll(() => receiver.start())
afterAll(() => receiver.stop())
afterEach(() => {
  receiver.received.length = 0
  receiver.replies.length = 0
  refused.length = 0
})

const model = (url = `http://127.0.0.1:${receiver.port}/v1/chat/completions`, timeoutMs = 15_000) =>
  new ChatCompletions({ url, model: 'gpt-x', key: KEY }, (reason) => refused.push(reason), { timeoutMs })

const answer = (content: unknown) => ({
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ choices: [{ message: { role: 'assistant', content } }] }),
})

describe('a language model', () => {
  it('is sent the facts and the key and nothing else, and what it says is taken', async () => {
    receiver.replies.push(answer(`  ${GOOD.replace('first: ', 'first:\n\n ')} `))
    expect(await worded(model(), FACTS)).toEqual({ text: GOOD, by: 'gpt-x' })
    const [{ url, headers, json }] = receiver.received as [(typeof receiver.received)[0]]
    expect(url).toBe('/v1/chat/completions')
    expect(headers.authorization).toBe(`Bearer ${KEY}`)
    expect(Object.keys(json)).toEqual(['model', 'messages'])
    expect(json.model).toBe('gpt-x')
    expect(json.messages.map(({ role }: { role: string }) => role)).toEqual(['system', 'user'])
    expect(json.messages[1].content).toBe(`-----\n${FACTS}\n-----`)
    expect(refused).toEqual([])
  })

  it.each([
    ['a number of its own', answer(GOOD.replace('12.5', '13')), /the number 13%, which/],
    ['calls for a share', answer(GOOD.replace('1200 calls', '1200 % of calls')), /1200%/],
    ['dollars for calls', answer(GOOD.replace('1200 calls', '$1200 of calls')), /\$1200/],
    ['markup', answer(`<b>${GOOD}</b>`), /markup/],
    ['a link', answer(`${GOOD} See https://example.org for how.`), /links/],
    ['much more', answer(`${GOOD} ${'That is so. '.repeat(40)}`), /characters, not/],
    ['next to nothing', answer('Yes.'), /4 characters/],
    ['no text', answer(['x']), /no text/],
    ['no JSON', { status: 200, body: 'oops' }, /no text/],
    ['an error', { status: 429, body: `slow down, ${KEY}` }, /^it answered with status 429$/],
    ['a way elsewhere', { status: 302, headers: { location: 'http://127.0.0.1:1/' } }, /status 302/],
    ['an endless answer', { status: 200, body: 'x'.repeat(300_000) }, /more than 262144 bytes/],
  ])('that answers %s is not followed', async (_, reply, reason) => {
    receiver.replies.push(reply)
    expect(await worded(model(), FACTS)).toBeNull()
    expect(refused).toEqual([expect.stringMatching(reason)])
    expect(refused[0]).not.toContain(KEY)
  })

  it('that does not answer, or is not there, holds nothing up', async () => {
    let end = () => {}
    receiver.replies.push({ ...answer(GOOD), after: new Promise<void>((resolve) => (end = resolve)) })
    expect(await worded(model(undefined, 100), FACTS)).toBeNull()
    end()
    expect(await worded(model('http://127.0.0.1:1/v1/chat/completions'), FACTS)).toBeNull()
    expect(refused).toEqual([
      'it did not answer within 0.1 s',
      expect.stringMatching(/did not answer \(ECONNREFUSED|bad port|TypeError/),
    ])
  })
})

it('a text with what is no text is found', () => {
  expect(faultOf(`${GOOD}\u0007`, FACTS)).toMatch(/no text/)
  expect(faultOf(GOOD, FACTS)).toBeNull()
})
