import type { LookupAddress, lookup } from 'node:dns'
import { createServer } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { AddressGuard } from '../../../src/webhooks/addressGuard.ts'
import { newWebhookSecret } from '../../../src/webhooks/webhookSecret.ts'
import { WebhookSender } from '../../../src/webhooks/webhookSender.ts'
import { cleanUp } from '../../support/cleanUp.ts'
import { WebhookReceiver } from '../../support/webhookReceiver.ts'

async function newReceiver(): Promise<WebhookReceiver> {
  const receiver = new WebhookReceiver()
  await receiver.start()
  cleanUp(() => receiver.stop())
  return receiver
}

const secret = newWebhookSecret()

const send = (sender: WebhookSender, url: string) =>
  sender.send({ url, secrets: [secret], id: 'msg_1', body: '{"type":"alert.test"}' })

/** Answers each look at a name with the next of these addresses. */
function names(...answers: string[]): { resolve: typeof lookup; looks: string[] } {
  const looks: string[] = []
  const resolve = (
    name: string,
    _: unknown,
    callback: (error: Error | null, found: LookupAddress[]) => void,
  ) => {
    looks.push(name)
    const found = (answers[looks.length - 1] ?? '127.0.0.1').split(' ')
    callback(
      null,
      found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )
  }
  return { resolve: resolve as unknown as typeof lookup, looks }
}

const open = new WebhookSender(new AddressGuard(['127.0.0.1']))

describe('a webhook', () => {
  it('is signed as Standard Webhooks has it, by each secret', async () => {
    const receiver = await newReceiver()
    const other = newWebhookSecret()
    const body = JSON.stringify({ type: 'alert.fired', text: 'ünïcode "quoted"' })
    const result = await open.send({ url: receiver.url, secrets: [secret, other], id: 'msg_2', body })
    expect(result).toMatchObject({ outcome: 'delivered', statusCode: 204, error: null })
    const [{ headers, body: got }] = receiver.received as [(typeof receiver.received)[0]]
    expect(got).toBe(body)
    expect(headers['content-type']).toBe('application/json')
    for (const key of [secret, other])
      expect(new Webhook(key).verify(got, headers as Record<string, string>)).toEqual(JSON.parse(body))
    const forged = new Webhook(newWebhookSecret())
    expect(() => forged.verify(got, headers as Record<string, string>)).toThrow(/signature/i)
    expect(() => new Webhook(secret).verify(`${got} `, headers as Record<string, string>)).toThrow()
  })

  it.each([
    [200, {}, 'delivered', null, null],
    [
      301,
      { location: 'http://127.0.0.1:1/' },
      'failed',
      null,
      'The receiver redirects, which is not followed.',
    ],
    [307, { location: 'http://169.254.169.254/' }, 'failed', null, /redirects/],
    [400, {}, 'failed', null, 'The receiver answered 400: no good'],
    [401, {}, 'failed', null, /401/],
    [404, { 'retry-after': '9' }, 'failed', null, /404/],
    [410, {}, 'failed', null, /410/],
    [408, {}, 'retry', null, /408/],
    [425, {}, 'retry', null, /425/],
    [429, { 'retry-after': '120' }, 'retry', 120, /429/],
    [429, { 'retry-after': 'soon' }, 'retry', null, /429/],
    [503, { 'retry-after': '99999999' }, 'retry', 86_400, /503/],
    [500, {}, 'retry', null, 'The receiver answered 500: no good'],
  ])('that is answered %i %o is %s', async (status, headers, outcome, retryAfterSeconds, error) => {
    const receiver = await newReceiver()
    receiver.replies.push({ status, headers, body: status === 200 ? '' : 'no\n good\n' })
    const result = await send(open, receiver.url)
    expect(result).toMatchObject({ outcome, statusCode: status, retryAfterSeconds })
    if (error === null) expect(result.error).toBeNull()
    else if (typeof error === 'string') expect(result.error).toBe(error)
    else expect(result.error).toMatch(error)
    expect(receiver.received).toHaveLength(1)
  })

  it('takes a date for Retry-After', async () => {
    const receiver = await newReceiver()
    receiver.replies.push({
      status: 503,
      headers: { 'retry-after': new Date(Date.now() + 60_000).toUTCString() },
    })
    const { retryAfterSeconds } = await send(open, receiver.url)
    expect(retryAfterSeconds).toBeGreaterThan(50)
    expect(retryAfterSeconds).toBeLessThanOrEqual(60)
  })

  it('keeps little of an answer, however long it is', async () => {
    const receiver = await newReceiver()
    receiver.replies.push({ status: 500, body: 'x'.repeat(5_000_000) }, { status: 400, body: '\0\ud800' })
    const { error } = await send(open, receiver.url)
    expect(error).toBe(`The receiver answered 500: ${'x'.repeat(200)}`)
    expect((await send(open, receiver.url)).error).not.toContain('\0')
  })

  it('is retried when nobody answers in time, or nobody is there', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    cleanUp(async () => silent.close())
    await new Promise((resolve) => silent.once('listening', resolve))
    const { port } = silent.address() as { port: number }
    const hasty = new WebhookSender(new AddressGuard(['127.0.0.1']), { timeoutMs: 50 })
    expect(await send(hasty, `http://127.0.0.1:${port}/`)).toMatchObject({
      outcome: 'retry',
      statusCode: null,
      error: 'There was no answer within 0.05 seconds.',
    })
    const receiver = await newReceiver()
    receiver.otherwise = { status: 200, after: new Promise(() => {}) }
    expect(await send(hasty, receiver.url)).toMatchObject({ outcome: 'retry', statusCode: null })
    expect(await send(open, 'http://127.0.0.1:1/')).toMatchObject({
      outcome: 'retry',
      error: 'The receiver cannot be reached (ECONNREFUSED).',
    })
  })
})

describe('an address', () => {
  const guarded = new WebhookSender(new AddressGuard())

  it.each([
    'http://127.0.0.1:PORT/',
    'http://127.1:PORT/',
    'http://2130706433:PORT/',
    'http://0x7f000001:PORT/',
    'http://0:PORT/',
    'http://[::1]:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://[64:ff9b::7f00:1]:PORT/',
    'http://[2002:7f00:1::]:PORT/',
    'http://[fe80::1]:PORT/',
    'http://[fd00::1]:PORT/',
    'http://10.0.0.1/',
    'http://172.16.0.1/',
    'http://192.168.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://100.64.0.1/',
    'http://0.0.0.0:PORT/',
    'http://224.0.0.1/',
    'http://255.255.255.255/',
    'http://localhost:PORT/',
  ])('%s is refused, and gets nothing', async (url) => {
    const receiver = await newReceiver()
    const result = await send(guarded, url.replace('PORT', String(receiver.port)))
    expect(result).toMatchObject({ outcome: 'failed', statusCode: null })
    expect(result.error).toMatch(/not on the public internet/)
    expect(receiver.received).toEqual([])
  })

  it.each([
    ['a name that leads to a private address', '10.0.0.1'],
    ['a name that leads to nothing but such', '127.0.0.1 ::1 169.254.169.254'],
  ])('behind %s is refused', async (_, answer) => {
    const receiver = await newReceiver()
    const { resolve } = names(answer)
    const sender = new WebhookSender(new AddressGuard(), { resolve })
    expect(await send(sender, `http://hooks.example:${receiver.port}/`)).toMatchObject({
      outcome: 'failed',
      error: 'hooks.example is or leads to an address that is not on the public internet.',
    })
    expect(receiver.received).toEqual([])
  })

  it('is the one that was looked at: a name that leads elsewhere the second time is not looked up again', async () => {
    const receiver = await newReceiver()
    // 192.0.2.0/24 stands for the internet here, where nobody answers; it is allowed as if it were.
    const { resolve, looks } = names('192.0.2.1', '127.0.0.1')
    const guard = new AddressGuard(['192.0.2.0/24'])
    const sender = new WebhookSender(guard, { resolve, timeoutMs: 200 })
    expect(await send(sender, `http://rebound.example:${receiver.port}/`)).toMatchObject({ outcome: 'retry' })
    expect(looks).toEqual(['rebound.example'])
    expect(receiver.received).toEqual([])
    // The next attempt looks anew, and refuses.
    expect(await send(sender, `http://rebound.example:${receiver.port}/`)).toMatchObject({
      outcome: 'failed',
    })
    expect(receiver.received).toEqual([])
  })

  it('that is private among others is passed over', async () => {
    const receiver = await newReceiver()
    const { resolve } = names('10.0.0.1 127.0.0.1')
    const sender = new WebhookSender(new AddressGuard(['127.0.0.0/8']), { resolve })
    expect(await send(sender, `http://both.example:${receiver.port}/`)).toMatchObject({
      outcome: 'delivered',
    })
  })

  it.each([
    ['name', 'hooks.internal'],
    ['address', '127.0.0.1'],
    ['network', '127.0.0.0/8'],
  ])('may be private where the operator allows its %s', async (_, allowed) => {
    const receiver = await newReceiver()
    const { resolve } = names('127.0.0.1')
    const sender = new WebhookSender(new AddressGuard([allowed]), { resolve })
    expect(await send(sender, `http://HOOKS.internal:${receiver.port}/`)).toMatchObject({
      outcome: 'delivered',
    })
  })

  it.each(['8.8.8.8', '2606:4700::1111'])('%s is on the internet', (address) => {
    expect(new AddressGuard().allows(address, address)).toBe(true)
  })

  it.each(['hooks_internal!', '10.0.0.0/99', 'http://x', ''])(
    'is not allowed by %j, which is neither',
    (entry) => {
      expect(() => new AddressGuard([entry])).toThrow()
    },
  )
})
