import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { changeStorageSettings } from '../../src/db/admin/storageSettings.ts'
import { modelsOf } from '../../src/embedding/embeddings.ts'
import { Arc, type Tenant } from '../support/arc.ts'
import { ArcProcess } from '../support/arcProcess.ts'
import { cleanUp } from '../support/cleanUp.ts'
import { answerOf, type Behaviour, EmbeddingEndpoint, embeddingOf } from '../support/embeddingEndpoint.ts'
import { ENGINES, makeMigratedDatabase, on, query } from '../support/emptyDatabase.ts'
import { SOON } from '../support/soon.ts'

const NOBODY = '00000000-0000-0000-0000-000000000000'
const AGES_AGO = '2026-09-01T10:00:00Z'

const told = (command: string) => ({
  messages: [
    { role: 'user', content: 'go' },
    { role: 'assistant', content: `I call ${command}.`, tool_calls: [{ function: { name: command } }] },
  ],
})

describe.each(ENGINES)('embeddings on $dump', ({ extension }) => {
  let url: string
  let serviceUrl: string
  let drop: () => Promise<unknown>
  let endpoint: EmbeddingEndpoint
  let behaviour: Behaviour

  const vectors: Behaviour = ({ body }) => answerOf(body.input.map((text) => embeddingOf(text, 8)))
  /** What was asked of the endpoint since, but for the plain text that it is tried with. */
  const textsAsked = () => endpoint.requests.flatMap(({ body }) => body.input)

  beforeAll(async () => {
    ;({ url, serviceUrl, drop } = await makeMigratedDatabase(extension))
    endpoint = await EmbeddingEndpoint.start((...request) => behaviour(...request))
  })
  beforeEach(async () => {
    behaviour = vectors
    // As after the migrations; what other tests have stored is looked for only where that is asked for.
    await query(
      url,
      `truncate store.embedding_queue, store.embeddings, store.unembeddable;
      update store.settings set embedding_models = '${JSON.stringify(modelsOf({ model: 'openai:m' }))}';
      update store.embedding_work set place = null, searched_at = now(), has_old = false, paused_until = null, made = 0, failed = 0,
        last_error = null, last_error_at = null;
      update store.jobs set due_at = now(), lease = null, leased_until = null, failures = 0 where name = 'embed'`,
    )
    endpoint.requests.length = 0
  })
  afterAll(async () => {
    await endpoint.close()
    await drop()
  })

  const settings = (model = 'm') => ({
    DATABASE_URL: serviceUrl,
    ARC_EMBEDDINGS: endpoint.url,
    ARC_EMBEDDINGS_MODEL: model,
  })

  async function started(env: NodeJS.ProcessEnv = settings()): Promise<Arc> {
    const arc = new Arc({ DATABASE_URL: serviceUrl, ...env })
    await arc.start()
    cleanUp(() => arc.stop())
    return arc
  }

  const subjects = (tenant: Tenant, table = 'embeddings') =>
    query<{ kind: string; subject: string }>(
      url,
      `select kind, subject from store.${table} where user_id = '${tenant.tenantId}' order by kind, subject`,
    )
  const kinds = async (tenant: Tenant, table?: string) =>
    (await subjects(tenant, table)).map(({ kind }) => kind)
  const waiting = async () => {
    const [row] = await query<{ waiting: number }>(
      url,
      'select count(*)::int as waiting from store.embedding_queue',
    )
    return row!.waiting
  }
  const nothingWaits = () => expect.poll(waiting, SOON).toBe(0)

  /** A simulation with a run of each scenario, which failed with the message where there is one. */
  async function recorded(tenant: Tenant, runs: Record<string, string | undefined>, more: object = {}) {
    const simulationId = await tenant.simulation(Object.keys(runs), { maxRetries: 3 })
    const { receipts } = await tenant.record(
      Object.entries(runs).map(([scenarioId, errorMessage]) => ({
        simulationId,
        scenarioId,
        status: errorMessage === undefined ? 'SUCCESS' : 'ERROR',
        executionTime: AGES_AGO,
        trajectory: told(`use_${scenarioId}`),
        ...(errorMessage !== undefined && {
          failurePatterns: [{ failureType: 'Broken', failureCategory: 'TOOL_ERROR', errorMessage }],
        }),
        ...more,
      })),
    )
    expect(receipts.map(({ status, reason }) => [status, reason])).toEqual(
      receipts.map(() => ['STORED', null]),
    )
    return { simulationId, outcomeIds: receipts.map(({ outcomeId }) => outcomeId as string) }
  }

  it('are made soon after the commit, of all that has a meaning, each once', async () => {
    const arc = await started()
    const tenant = arc.tenant()
    const { outcomeIds } = await recorded(tenant, {
      a: 'the disk is full',
      b: 'the disk is full',
      c: undefined,
    })
    await expect
      .poll(() => kinds(tenant), SOON)
      .toEqual(['config_version', 'failure', ...Array(3).fill('scenario'), ...Array(3).fill('trajectory')])
    await nothingWaits()
    const made = await query<{ kind: string; model: string; length: number; width: number; hashed: boolean }>(
      url,
      `select distinct kind, model, round(l2_norm(embedding)::numeric, 2)::float8 as length, vector_dims(embedding) as width,
        text_sha256 is not null as hashed from store.embeddings order by kind`,
    )
    expect(made).toEqual(
      ['config_version configuration', 'failure failure', 'scenario scenario', 'trajectory trajectory'].map(
        (names) => {
          const [kind, text] = names.split(' ')
          return { kind, model: `openai:m ${text}#1`, length: 1, width: 1536, hashed: true }
        },
      ),
    )
    expect(
      (await subjects(tenant)).filter(({ kind }) => kind === 'trajectory').map(({ subject }) => subject),
    ).toEqual([...outcomeIds].sort())
    expect(new Set(textsAsked()).size).toBe(textsAsked().length)
    // What is there already is asked for no more: another run with the same failure.
    endpoint.requests.length = 0
    await recorded(tenant, { d: 'the disk is full' })
    await expect.poll(async () => (await kinds(tenant)).length, SOON).toBe(8 + 3)
    expect(textsAsked().filter((text) => /disk is full/.test(text) && !text.startsWith('Steps'))).toEqual([])
  })

  it('wait for nobody where no server makes any', async () => {
    await query(url, 'update store.settings set embedding_models = null')
    const arc = await started({ ARC_EMBEDDINGS: 'none' })
    await recorded(arc.tenant(), { a: 'broken' })
    expect(await waiting()).toBe(0)
  })

  it('are made of what was stored before there was a provider', async () => {
    await query(url, 'update store.settings set embedding_models = null')
    const none = await started({ ARC_EMBEDDINGS: 'none' })
    const [one, other] = [none.tenant(), none.tenant()]
    await recorded(one, { a: 'broken one', b: 'broken one' })
    await recorded(other, { a: 'broken other', c: undefined })
    await started()
    for (const tenant of [one, other])
      await expect.poll(async () => (await kinds(tenant)).length, SOON).toBe(6)
  })

  it('follow what they are of: later attempts, amendments, changed scenarios', async () => {
    const arc = await started()
    const tenant = arc.tenant()
    const { simulationId, outcomeIds } = await recorded(tenant, { a: 'it was broken' })
    await expect.poll(async () => (await kinds(tenant)).length, SOON).toBe(4)
    const hashes = () =>
      query<{ subject: string; hash: string }>(
        url,
        `select subject, encode(text_sha256, 'hex') as hash from store.embeddings where user_id = '${tenant.tenantId}' order by kind, subject`,
      )
    const before = await hashes()

    const amend = (amendment: object) =>
      tenant.data(
        `mutation ($a: [OutcomeAmendmentInput!]!) { amendOutcomes(input: { amendments: $a }) { receipts { status } } }`,
        { a: [{ outcomeId: outcomeIds[0], ...amendment }] },
      )
    await amend({
      trajectory: told('something_else'),
      failurePatterns: [{ failureType: 'Other', failureCategory: 'TIMEOUT', errorMessage: 'too late' }],
    })
    await expect
      .poll(async () => (await hashes()).map(({ hash }) => before.some((row) => row.hash === hash)), SOON)
      .toEqual([true, false, true, false])
    await tenant.data(
      `mutation { upsertScenarios(input: { scenarios: [{ scenarioId: "a", taskPrompt: "Another." }] }) { receipts { status } } }`,
    )
    await expect
      .poll(async () => (await hashes()).map(({ hash }) => before.some((row) => row.hash === hash)), SOON)
      .toEqual([true, false, false, false])

    // Only the last attempt has one.
    const { receipts } = await tenant.record([
      {
        simulationId,
        scenarioId: 'a',
        status: 'SUCCESS',
        executionTime: AGES_AGO,
        retryCount: 1,
        trajectory: told('again'),
      },
    ])
    await expect
      .poll(async () => (await subjects(tenant)).filter(({ kind }) => kind === 'trajectory'), SOON)
      .toEqual([{ kind: 'trajectory', subject: receipts[0].outcomeId }])
  })

  it('go with what they are of, and so does what waits', async () => {
    await query(url, 'update store.settings set embedding_models = null')
    const none = await started({ ARC_EMBEDDINGS: 'none' })
    const tenant = none.tenant()
    await query(
      serviceUrl,
      `select use_embedding_models('{"failure": "openai:f", "trajectory": "openai:t"}')`,
    )
    const { simulationId } = await recorded(tenant, { a: 'only here', b: 'in both' })
    await recorded(tenant, { c: 'in both' })
    // Each subject has vectors of two models, and waits as well.
    await query(
      url,
      `insert into store.embeddings (user_id, kind, subject, model, embedding)
        select user_id, kind, subject, model, ('[1' || repeat(',0', 1535) || ']')::public.halfvec from store.embedding_queue, unnest(array['openai:x', 'theirs']) model;
      insert into store.unembeddable (user_id, kind, subject, model, reason) select user_id, kind, subject, 'm', 'r' from store.embedding_queue`,
    )
    const all = ['embeddings', 'embedding_queue', 'unembeddable']
    const counts = async () =>
      (await Promise.all(all.map((table) => kinds(tenant, table)))).map((found) => found.length)
    // Two signatures, three trajectories, three scenarios, two versions.
    expect(await counts()).toEqual([20, 10, 10])
    const purge = async (kind: string, key: string, id: string) => {
      const { done } = await tenant.data(
        `mutation ($input: Delete${kind}Input!) { done: delete${kind}(input: $input) { deletion { deletionId } errors { message } } }`,
        { input: { [key]: id } },
      )
      expect(done.errors).toEqual([])
      await query(url, `update deletions set purge_at = now() where user_id = '${tenant.tenantId}'`)
      for (let place: object | null = {}; place !== null; ) {
        const [row]: any[] = await on(
          serviceUrl,
          async (client) => (await client.query('select place from purge_deleted(100, $1)', [place])).rows,
        )
        place = row.place
      }
    }
    await purge('Simulation', 'simulationId', simulationId)
    expect(await counts()).toEqual([14, 7, 7])
    await purge('Scenario', 'scenarioId', 'a')
    expect(await counts()).toEqual([12, 6, 6])
    const [version] = (await subjects(tenant)).filter(({ kind }) => kind === 'config_version')
    const { configVersion } = await tenant.data(
      `{ configVersion(versionId: "${version!.subject}") { configId } }`,
    )
    const other = (await subjects(tenant)).filter(({ kind }) => kind === 'config_version').length
    expect(other).toBe(4)
    if (configVersion) {
      await changeStorageSettings(url, { retentionDays: 1 })
      cleanUp(() => changeStorageSettings(url, { retentionDays: null }))
      await query(
        url,
        `update store.outcomes set recorded_at = execution_time where user_id = '${tenant.tenantId}'`,
      )
      // Left are two scenarios and two versions. Servers of the database may be at it as well.
      await vi.waitFor(async () => {
        await query(serviceUrl, 'select expire_outcomes()')
        expect(await counts()).toEqual([8, 4, 4])
      }, SOON)
    }
  })

  it('of equal texts are copied within a tenant, and never from one to another', async () => {
    const arc = await started()
    const [one, other] = [arc.tenant(), arc.tenant()]
    const { versionId } = await one.configVersion('first', 'model: gpt-4\ntools: [search]\n')
    await expect.poll(async () => (await kinds(one)).length, SOON).toBe(1)
    endpoint.requests.length = 0
    const second = await one.configVersion('second', 'model: gpt-4\ntools: [search]\n')
    await expect
      .poll(async () => (await subjects(one)).map(({ subject }) => subject), SOON)
      .toEqual([versionId, second.versionId].sort())
    expect(textsAsked()).toEqual([])
    await other.configVersion('first', 'model: gpt-4\ntools: [search]\n')
    await expect.poll(async () => (await kinds(other)).length, SOON).toBe(1)
    expect(textsAsked()).toHaveLength(1)
  })

  it('are not tried again of what cannot be embedded, and cost the others nothing', async () => {
    behaviour = (request, count) =>
      request.body.input.some((text) => /cursed/.test(text))
        ? { status: 422, body: '{"error":"no"}' }
        : vectors(request, count)
    const arc = await started()
    const tenant = arc.tenant()
    await recorded(
      tenant,
      { a: 'this is cursed', b: 'this is not' },
      { trajectory: { start_time: AGES_AGO, status: 'x' } },
    )
    await expect.poll(() => kinds(tenant, 'unembeddable'), SOON).toEqual(['failure'])
    await expect
      .poll(() => kinds(tenant), SOON)
      .toEqual(['config_version', 'failure', 'scenario', 'scenario'])
    await nothingWaits()
    endpoint.requests.length = 0
    await recorded(tenant, { c: 'this is cursed' }, { trajectory: { start_time: AGES_AGO, status: 'x' } })
    // Not by the search for what has none either.
    await query(
      url,
      `update store.embedding_work set searched_at = now() - interval '2 days'; update store.jobs set due_at = now() where name = 'embed'`,
    )
    await expect.poll(async () => (await kinds(tenant)).length, SOON).toBe(6)
    await nothingWaits()
    expect(textsAsked().filter((text) => /cursed/.test(text))).toEqual([])
    const [state] = await query<any>(
      serviceUrl,
      'select unembeddable::int, failed::int, made::int from embedding_states()',
    )
    expect(state).toMatchObject({ failed: 0 })
    expect(state.unembeddable).toBeGreaterThanOrEqual(1)
    expect(state.made).toBeGreaterThanOrEqual(6)
  })

  it('wait while an endpoint wants to be left alone', async () => {
    behaviour = () => ({
      status: 429,
      body: '{"error":{"message":"slow down"}}',
      headers: { 'retry-after': '600' },
    })
    const arc = await started()
    const tenant = arc.tenant()
    await tenant.scenarios('a', 'b')
    const state = async () =>
      (
        await query<any>(
          serviceUrl,
          `select failed::int, last_error, backlog, extract(epoch from paused_until - now())::float8 as pause from embedding_states()`,
        )
      )[0]
    await expect.poll(async () => (await state()).failed, SOON).toBe(1)
    expect(await state()).toMatchObject({
      last_error: expect.stringContaining('slow down'),
      backlog: { scenario: 2 },
    })
    expect((await state()).pause).toBeGreaterThan(500)
    const asked = endpoint.requests.length
    // Tried again, the job asks nobody.
    const [tried] = await query<{ at: string }>(
      url,
      `update store.jobs set due_at = now(), failures = 0 where name = 'embed' returning clock_timestamp()::text as at`,
    )
    await tenant.scenarios('c')
    await expect
      .poll(
        () =>
          query<any>(
            url,
            `select failures from store.jobs where name = 'embed' and started_at >= '${tried!.at}' and lease is null`,
          ),
        SOON,
      )
      .toEqual([{ failures: 0 }])
    expect(endpoint.requests).toHaveLength(asked)
    behaviour = vectors
    await query(
      url,
      `update store.embedding_work set paused_until = null; update store.jobs set due_at = now() where name = 'embed'`,
    )
    await tenant.scenarios('d')
    await expect.poll(async () => (await kinds(tenant)).length, SOON).toBe(4)
  })

  it('are taken newest first within a rank, in equal shares of the tenants, by no two at a time', async () => {
    const models = '{"failure": "f", "trajectory": "t", "scenario": "s", "config_version": "c"}'
    await query(serviceUrl, `select use_embedding_models('${models}')`)
    const [many, few, none] = [randomUUID(), randomUUID(), randomUUID()].sort()
    await query(
      url,
      `insert into store.embedding_queue (user_id, kind, subject, subject_at)
        select '${many}'::uuid, k, md5(n::text || k)::uuid::text, now() - n * interval '1 hour' from generate_series(1, 5) n, unnest(array['trajectory', 'config_version', 'failure']) k
        union all select '${few}'::uuid, 'scenario', 's' || n, now() from generate_series(1, 2) n`,
    )
    const taken: string[][] = []
    const claim = async (after: string) => {
      const rows = await query<{ tenant: string; kind: string; subject: string }>(
        serviceUrl,
        `select tenant, kind, subject from claim_embeddings('${models}', 8, '${after}', '${randomUUID()}', null, null)`,
      )
      taken.push(rows.map(({ tenant, kind }) => `${tenant === many ? 'many' : 'few'} ${kind}`))
      return rows
    }
    const first = await claim('00000000-0000-0000-0000-000000000000')
    expect(taken[0]).toEqual([...Array(4).fill('many failure'), 'few scenario', 'few scenario'])
    expect(first.slice(0, 4).map(({ subject }) => subject)).toEqual(
      (
        await query<{ id: string }>(
          url,
          `select md5(n::text || 'failure')::uuid as id from generate_series(1, 4) n`,
        )
      ).map(({ id }) => id),
    )
    // Behind the last one, and around again; what is taken stays taken.
    await claim(none!)
    expect(taken[1]).toEqual([
      'many failure',
      ...Array(5).fill('many config_version'),
      ...Array(2).fill('many trajectory'),
    ])
    await claim(few!)
    expect(taken[2]).toEqual(Array(3).fill('many trajectory'))
    await claim(few!)
    expect(taken[3]).toEqual([])
    // Of another model somebody else is to take care.
    await query(url, 'update store.embedding_queue set claimed_until = now()')
    expect(
      await query(serviceUrl, `select from claim_embeddings('{}', 8, '${few}', '${many}', null, null)`),
    ).toEqual([])
  })

  it('are stored of what is held and still there, and of each that there is what it says now', async () => {
    const models = '{"failure": "f", "trajectory": "t", "scenario": "s", "config_version": "c"}'
    await query(serviceUrl, `select use_embedding_models('${models}')`)
    const [tenant, early, late] = [randomUUID(), randomUUID(), randomUUID()]
    const queue = (...names: string[]) =>
      query(
        url,
        `insert into store.embedding_queue (user_id, kind, subject, subject_at)
          select '${tenant}', 'scenario', unnest('{${names.join()}}'::text[]), now()`,
      )
    const claim = (held: string) =>
      query(
        serviceUrl,
        `select from claim_embeddings('${models}', 8, '${NOBODY}', '${held}', null, '${tenant}')`,
      )
    const store = (held: string, result: object, ...names: string[]) =>
      query<{ subject: string }>(
        serviceUrl,
        `select subject from store_embeddings('${held}', '${models}',
          '${JSON.stringify(names.map((subject) => ({ tenant, kind: 'scenario', subject, ...result })))}')`,
      )
    const has = async () =>
      Promise.all(
        ['embeddings', 'unembeddable', 'embedding_queue'].map(async (table) =>
          (
            await query<{ subject: string }>(
              url,
              `select distinct subject from store.${table} where user_id = '${tenant}' order by 1`,
            )
          )
            .map(({ subject }) => subject)
            .join(' '),
        ),
      )
    const made = { sha256: '00'.repeat(32), vector: `[1${',0'.repeat(1535)}]` }
    await queue('a', 'b', 'c', 'd')
    await claim(early)
    await query(url, 'update store.embedding_queue set claimed_until = now()')
    await claim(late)
    // Of who was too slow nothing, and of what was purged meanwhile.
    await store(early, made, 'a', 'b')
    expect(await has()).toEqual(['', '', 'a b c d'])
    await query(url, `delete from store.embedding_queue where subject = 'd'`)
    await store(late, made, 'a', 'd')
    expect(await has()).toEqual(['a', '', 'b c'])
    await store(late, { reason: 'no' }, 'b')
    await store(late, { gone: true }, 'c')
    expect(await has()).toEqual(['a', 'b', ''])
    // What has changed may be embedded now, or may not any more.
    await queue('a', 'b')
    await claim(late)
    await store(late, { reason: 'no' }, 'a')
    await store(late, made, 'b')
    expect(await has()).toEqual(['b', 'a', ''])
    // An equal text of another model is none.
    await query(url, `update store.embeddings set model = 'before'`)
    await queue('e')
    await claim(late)
    expect(await store(late, { sha256: made.sha256 }, 'e')).toEqual([{ subject: 'e' }])
    expect(await has()).toEqual(['b', 'a', 'e'])
  })

  it('are the server’s own work: nobody who acts for a tenant takes, stores or looks', async () => {
    const calls = [
      `use_embedding_models('{}')`,
      `search_unembedded('{}', 1)`,
      `queue_unembedded(1, '{}')`,
      `claim_embeddings('{}', 1, '${randomUUID()}', '${randomUUID()}', null, null)`,
      `hold_embeddings('[]', '${randomUUID()}', true)`,
      `store_embeddings('${randomUUID()}', '{}', '[]')`,
      `note_embedding_failure('', null)`,
      'drop_old_embeddings(1)',
      'wake_embedding()',
      'index_embeddings()',
      'waiting_embeddings(null, null)',
      'embedding_states()',
    ]
    for (const call of calls)
      await expect(
        query(serviceUrl, `begin; set local role app_user; select ${call}; commit`),
        call,
      ).rejects.toThrow('this is for the server itself')
  })

  it('of another model take the place of the old ones once they are complete', async () => {
    const first = await started()
    const tenant = first.tenant()
    await recorded(tenant, { a: 'broken' })
    await expect.poll(async () => (await kinds(tenant)).length, SOON).toBe(4)
    await nothingWaits()
    await query(
      url,
      `insert into store.embeddings (user_id, kind, subject, model, embedding)
      select user_id, kind, subject, 'theirs', embedding from store.embeddings where kind = 'scenario'`,
    )
    const models = async () =>
      (
        await query<{ model: string }>(
          url,
          `select distinct split_part(model, ' ', 1) as model from store.embeddings order by 1`,
        )
      ).map(({ model }) => model)
    // The new one fails for trajectories: the old ones stay.
    behaviour = (request, count) =>
      request.body.model === 'n' && request.body.input.some((text) => text.startsWith('Steps'))
        ? { status: 401, body: '{}' }
        : vectors(request, count)
    await first.stop()
    const second = await started(settings('n'))
    await expect
      .poll(
        async () => (await query<any>(serviceUrl, 'select failed::int from embedding_states()'))[0].failed,
        SOON,
      )
      .toBe(1)
    expect(await models()).toEqual(expect.arrayContaining(['openai:m', 'theirs']))
    behaviour = vectors
    await query(url, `update store.jobs set due_at = now(), failures = 0 where name = 'embed'`)
    await second.tenant().scenarios('x')
    await expect.poll(models, SOON).toEqual(['openai:n', 'theirs'])
    expect(await kinds(tenant)).toEqual(['config_version', 'failure', 'scenario', 'scenario', 'trajectory'])
  })

  it.skipIf(new Arc().onPGlite)('are made by another server when one is killed while it embeds', async () => {
    behaviour = () => 'silence'
    const killed = await ArcProcess.start({ ...settings(), DATABASE_URL: serviceUrl })
    cleanUp(() => killed.kill())
    const none = await started({ ARC_EMBEDDINGS: 'none' })
    const tenant = none.tenant()
    await recorded(tenant, { a: 'one', b: 'two', c: 'three' })
    await expect.poll(() => endpoint.requests.length, SOON).toBeGreaterThan(0)
    const taken = async () =>
      (
        await query<any>(
          url,
          'select count(*)::int as taken from store.embedding_queue where claimed_until > now()',
        )
      )[0].taken
    expect(await taken()).toBeGreaterThan(0)
    const before = await waiting()
    await killed.kill()
    expect(await waiting()).toBe(before)
    behaviour = vectors
    // The lease and what was taken run out.
    await query(
      url,
      `update store.jobs set leased_until = now() where name = 'embed'; update store.embedding_queue set claimed_until = now()`,
    )
    await started()
    await expect.poll(async () => (await kinds(tenant)).length, SOON).toBe(10)
    await nothingWaits()
  })
})
