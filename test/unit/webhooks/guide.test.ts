import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, vi } from 'vitest'
import { AddressGuard } from '../../../src/webhooks/addressGuard.ts'
import { type AlertMessage, alertBody } from '../../../src/webhooks/alertMessage.ts'
import { newWebhookSecret } from '../../../src/webhooks/webhookSecret.ts'
import { WebhookSender } from '../../../src/webhooks/webhookSender.ts'
import { freePort } from '../../support/freePort.ts'
import { SOON } from '../../support/soon.ts'

it('the receiver of the guide takes what is signed with its secret, and nothing else', async () => {
  const text = await readFile(new URL('../../../docs/guides/alerts.md', import.meta.url), 'utf8')
  const [, program] = /```js\n(.*?)```/s.exec(text)!
  const folder = await mkdtemp(join(tmpdir(), 'arc-receiver-'))
  await writeFile(join(folder, 'receiver.mjs'), program!)
  const [port, secret] = [await freePort(), newWebhookSecret()]
  const receiver = spawn(process.execPath, [join(folder, 'receiver.mjs')], {
    env: { ...process.env, PORT: String(port), WEBHOOK_SECRET: secret },
  })
  let printed = ''
  receiver.stdout.on('data', (line) => {
    printed += line
  })
  try {
    const sender = new WebhookSender(new AddressGuard(['127.0.0.1']))
    const message: AlertMessage = {
      type: 'alert.test',
      timestamp: new Date(),
      data: {
        seq: null,
        rule: { ruleId: 'r', name: 'Größe 👩‍👩‍👧', kind: 'STUCK_RUN', threshold: 1 },
        alert: null,
      },
    }
    const send = (...secrets: string[]) =>
      sender.send({ url: `http://127.0.0.1:${port}/`, secrets, id: 'evt', body: alertBody(message) })
    await vi.waitFor(async () => expect(await send(secret)).toMatchObject({ outcome: 'delivered' }), SOON)
    expect(printed).toContain('alert.test: Größe 👩‍👩‍👧\n')
    expect(await send(newWebhookSecret(), secret)).toMatchObject({ outcome: 'delivered' })
    expect(await send(newWebhookSecret())).toMatchObject({ outcome: 'failed', statusCode: 401 })
    const old = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: '{}' })
    expect(old.status).toBe(401)
  } finally {
    receiver.kill()
    await rm(folder, { recursive: true })
  }
})
