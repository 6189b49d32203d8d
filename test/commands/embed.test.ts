import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { answerOf, type Behaviour, EmbeddingEndpoint, embeddingOf } from '../support/embeddingEndpoint.ts'
import { makeMigratedDatabase, query } from '../support/emptyDatabase.ts'
import { SOON } from '../support/soon.ts'

const ARC = ['--import', import.meta.resolve('tsx'), resolve('src/main.ts'), 'embed']
const TENANTS = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002']
const SCENARIOS = 200

const vectors: Behaviour = ({ body }) => answerOf(body.input.map((each) => embeddingOf(each, 8)))

// The embedded database is one process's, and the command is another.
describe.skipIf(inject('serverUrl') === null)('arc embed', () => {
  let url: string
  let drop: () => Promise<unknown>
  let endpoint: EmbeddingEndpoint
  let behaviour: Behaviour

  beforeAll(async () => {
    ;({ url, drop } = await makeMigratedDatabase())
    endpoint = await EmbeddingEndpoint.start((...request) => behaviour(...request))
    await query(
      url,
      `insert into scenarios (user_id, scenario_id, name, task_prompt, content_hash)
        select tenant::uuid, 's' || n, 'scenario ' || chr(64 + n % 26) || chr(64 + n / 26), repeat(chr(97 + n % 26), n), repeat('0', 64)
        from generate_series(1, ${SCENARIOS}) n, unnest(array['${TENANTS.join("','")}']) tenant`,
    )
  })
  beforeEach(async () => {
    behaviour = vectors
    endpoint.requests.length = 0
    await query(
      url,
      `truncate store.embeddings, store.embedding_queue; update store.settings set embedding_models = null;
      update store.embedding_work set place = null, searched_at = null, has_old = false, paused_until = null`,
    )
  })
  afterAll(async () => {
    await endpoint.close()
    await drop()
  })

  /** The command as somebody types it; `whenAsked`: what to do with it at the endpoint's first request. */
  async function arcEmbed(options: string[], more: NodeJS.ProcessEnv = {}, signal?: NodeJS.Signals) {
    const { DATABASE_URL: _, ...env } = process.env
    const command = spawn(process.execPath, [...ARC, ...options], {
      env: {
        ...env,
        DATABASE_ADMIN_URL: url,
        ARC_EMBEDDINGS: endpoint.url,
        ARC_EMBEDDINGS_MODEL: 'm',
        ARC_LOG_LEVEL: 'silent',
        ...more,
      },
    })
    const ended = once(command, 'exit')
    const [said, complained] = [text(command.stdout), text(command.stderr)]
    if (signal) {
      await expect.poll(() => endpoint.requests.length, SOON).toBeGreaterThan(1)
      command.kill(signal)
    }
    const [code] = await ended
    return { said: await said, complained: await complained, code }
  }
  const count = async (condition = 'true', table = 'embeddings') =>
    (
      await query<{ found: number }>(
        url,
        `select count(*)::int as found from store.${table} where ${condition}`,
      )
    )[0]!.found
  const asked = () => endpoint.requests.reduce((sum, { body }) => sum + body.input.length, 0)

  it('makes what is missing, of a tenant or all, and all anew where that is asked for', async () => {
    const one = await arcEmbed(['--tenant', TENANTS[1]!, '--kind', 'scenarios'])
    expect(one).toMatchObject({ code: 0, complained: '' })
    expect(one.said).toBe(`Making what is missing with openai:m.\n${SCENARIOS} of ${SCENARIOS} done.\n`)
    expect([await count(), await count(`user_id = '${TENANTS[1]}'`)]).toEqual([SCENARIOS, SCENARIOS])
    expect((await arcEmbed(['--kind', 'failures'])).said).toContain('0 of 0 done.')
    expect((await arcEmbed([])).said).toContain(`${SCENARIOS} of ${SCENARIOS} done.`)
    expect(await count()).toBe(2 * SCENARIOS)
    endpoint.requests.length = 0
    expect((await arcEmbed([])).said).toContain('0 of 0 done.')
    expect(asked()).toBe(0)
    await query(url, `update store.embeddings set embedding = ('[0,1' || repeat(',0', 1534) || ']')::halfvec`)
    const all = await arcEmbed(['--rebuild'])
    expect(all.said).toBe(`Making all anew with openai:m.\n${2 * SCENARIOS} of ${2 * SCENARIOS} done.\n`)
    expect(await count(`embedding = ('[0,1' || repeat(',0', 1534) || ']')::halfvec`)).toBe(0)
  })

  it.each(['SIGINT', 'SIGKILL'] as const)('loses nothing by %s', async (signal) => {
    behaviour = (request, requests) => (requests > 1 ? 'silence' : vectors(request, requests))
    const stopped = await arcEmbed(['--rebuild'], {}, signal)
    const left = 2 * SCENARIOS - (await count())
    expect(left).toBeGreaterThan(0)
    expect(await count('true', 'embedding_queue')).toBe(left)
    if (signal === 'SIGINT') {
      expect(stopped.code).toBe(1)
      expect(stopped.said).toContain(`${left} in the queue: servers that make embeddings make them`)
      expect(await count('claimed_until > now()', 'embedding_queue')).toBe(0)
    } else await query(url, 'update store.embedding_queue set claimed_until = now()')
    behaviour = vectors
    expect((await arcEmbed([])).said).toContain(`${left} of ${left} done.`)
    expect(await count()).toBe(2 * SCENARIOS)
  })

  it('says why it cannot', async () => {
    const none = await arcEmbed([], { ARC_EMBEDDINGS: 'none', ARC_EMBEDDINGS_MODEL: '' })
    expect(none).toMatchObject({ code: 1, said: '' })
    expect(none.complained).toBe('arc embed: This server makes no embeddings: ARC_EMBEDDINGS is "none".\n')
    behaviour = () => ({ status: 401, body: '{"error":{"message":"wrong key"}}' })
    const refused = await arcEmbed([])
    expect(refused.code).toBe(1)
    expect(refused.complained).toMatch(/^arc embed: .*wrong key.* What waits stays in the queue\.\n$/)
    expect(await count('true', 'embedding_queue')).toBe(2 * SCENARIOS)
    const other = await arcEmbed([], { ARC_EMBEDDINGS_MODEL: 'n' })
    expect(other.complained).toMatch(
      /make embeddings as openai:m failure#1, and here the settings say openai:n failure#1/,
    )
    expect((await arcEmbed(['--tenant', 'me'])).complained).toContain('--tenant takes a UUID')
  })
})
