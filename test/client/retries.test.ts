import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ArcClient, type ArcClientOptions } from '../../src/client/arcClient.ts'
import { ArcRequestError } from '../../src/client/arcRequestError.ts'
import { type Tenant, useArc } from '../support/arc.ts'
import { type HeldTimer, holdTimers } from '../support/heldTimers.ts'
import { ServerProxy } from '../support/serverProxy.ts'
import { stopClock } from '../support/stoppedClock.ts'

let proxy: ServerProxy
afterAll(() => proxy.close())
const arc = useArc()
beforeAll(async () => {
  proxy = await ServerProxy.open(arc.url)
})

const clientOf = async (tenant: Tenant, more: Partial<ArcClientOptions> = {}) =>
  new ArcClient({ url: proxy.url, token: await tenant.token(), ...more })

const upTo = (last: number) => Array.from({ length: last }, (_, index) => index + 1)

const YAML = 'model: gpt-4\n'

describe('after an answer that got lost', () => {
  /** What makes a call lose the answer to the operation of that name, which is then sent again. */
  function useLosses() {
    const pauses = holdTimers('retry.ts')
    return async <Result>(operation: string, call: () => Promise<Result>): Promise<Result> => {
      const before = proxy.count(operation)
      const lost = proxy.loseAnswer(operation)
      const called = call()
      await lost
      const pause = await pauses.next()
      pause.fire()
      const result = await called
      expect(proxy.count(operation) - before).toBe(2)
      return result
    }
  }

  it('every mutation has done its work once', async () => {
    const losing = useLosses()
    const tenant = arc.tenant()
    const client = await clientOf(tenant)

    const { configuration, version } = await losing('mutation CreateConfiguration', () =>
      client.createConfiguration({ name: 'agent', yaml: YAML }),
    )
    expect(version).toMatchObject({ versionNumber: 1, rawYaml: YAML })
    const { configId } = configuration
    const second = await losing('mutation CreateConfigVersion', () =>
      client.createConfigVersion({ configId, yaml: `${YAML}temperature: 1\n` }),
    )
    expect(second).toMatchObject({ versionNumber: 2, created: false })
    const third = await losing('mutation SetLatestVersion', () =>
      client.setLatestVersion({ configId, versionId: version!.versionId }),
    )
    expect(third).toMatchObject({ versionNumber: 3, created: false })
    const diffs: string[] = []
    for await (const diff of client.getConfigDiffs(configId)) diffs.push(diff.diffId)
    expect(diffs).toHaveLength(2)
    await losing('mutation ApproveConfigDiff', () => client.approveConfigDiff(diffs[0]!))
    await losing('mutation RejectConfigDiff', () => client.rejectConfigDiff(diffs[1]!))
    await losing('mutation WithdrawConfigDiffDecision', () => client.withdrawConfigDiffDecision(diffs[1]!))
    await losing('mutation ArchiveConfiguration', () => client.archiveConfiguration(configId))
    await losing('mutation RestoreConfiguration', () => client.restoreConfiguration(configId))

    const scenarios = ['a', 'b', 'c'].map((scenarioId) => ({ scenarioId, taskPrompt: 'Do it.' }))
    expect(await losing('mutation UpsertScenarios', () => client.upsertScenarios(scenarios))).toMatchObject(
      Array(3).fill({ status: 'DUPLICATE', revision: 1 }),
    )
    const { simulationId, created } = await losing('mutation StartSimulation', () =>
      client.startSimulation({ configVersionId: third.versionId, scenarioIds: ['a', 'b', 'c'] }),
    )
    expect(created).toBe(false)
    const outcome = (scenarioId: string) => ({ simulationId, scenarioId, status: 'SUCCESS' as const })
    expect(await losing('mutation RecordOutcome(', () => client.recordOutcome(outcome('a')))).toMatchObject({
      status: 'DUPLICATE',
    })
    expect(
      await losing('mutation RecordOutcomes(', () => client.recordOutcomes([outcome('b')])),
    ).toMatchObject([{ status: 'DUPLICATE' }])
    expect(
      await losing('mutation RecordScenarioResults', () =>
        client.recordScenarioOutcome(simulationId, { scenario: { id: 'c' }, status: 'error' }),
      ),
    ).toMatchObject({ status: 'DUPLICATE' })
    await losing('mutation CompleteSimulation', () => client.completeSimulation(simulationId))

    const events = []
    for await (const { kind } of client.simulationEvents(simulationId)) events.push(kind)
    expect(events).toEqual(['STARTED', 'PROGRESS', 'PROGRESS', 'PROGRESS', 'COMPLETED'])
    expect(
      await tenant.data(`{
        simulations { totalCount nodes { status succeededScenarios failedScenarios } }
        outcomes { totalCount }
        configurations { totalCount }
        configVersions { totalCount }
      }`),
    ).toEqual({
      simulations: {
        totalCount: 1,
        nodes: [{ status: 'COMPLETED', succeededScenarios: 2, failedScenarios: 1 }],
      },
      outcomes: { totalCount: 3 },
      configurations: { totalCount: 1 },
      configVersions: { totalCount: 3 },
    })
  })

  it('a simulation is failed or cancelled once, and a version ensured once', async () => {
    const losing = useLosses()
    const tenant = arc.tenant()
    const client = await clientOf(tenant)
    await losing('mutation CreateConfiguration', () =>
      client.ensureConfigVersion({ name: 'agent', yaml: YAML }),
    )
    const [failed, cancelled] = [await tenant.simulation(['a']), await tenant.simulation(['a'])]
    await losing('mutation FailSimulation', () => client.failSimulation(failed, 'broke'))
    await losing('mutation CancelSimulation', () => client.cancelSimulation(cancelled))
    for (const simulationId of [failed, cancelled]) {
      const seqs = []
      for await (const { seq } of client.simulationEvents(simulationId)) seqs.push(seq)
      expect(seqs).toEqual([1, 2])
    }
    const filter = '{ name: { eq: "agent" } }'
    expect(await tenant.data(`{ configurations(filter: ${filter}) { totalCount } }`)).toEqual({
      configurations: { totalCount: 1 },
    })
  })

  it('a mutation of unknown kind is not sent again, unless the caller says that it may be', async () => {
    const losing = useLosses()
    const tenant = arc.tenant()
    const client = await clientOf(tenant)
    const document = `mutation CreateBlindly($name: String!) {
      createConfiguration(input: { name: $name }) { errors { code } }
    }`
    const before = proxy.count('CreateBlindly')
    void proxy.loseAnswer('CreateBlindly')
    await expect(client.request(document, { name: 'agent' })).rejects.toMatchObject({
      status: 0,
      retryable: true,
    })
    expect(proxy.count('CreateBlindly') - before).toBe(1)
    const again = await losing('CreateBlindly', () =>
      client.request(document, { name: 'other' }, { mayRepeat: true }),
    )
    expect(again).toEqual({ createConfiguration: { errors: [{ code: 'NAME_TAKEN' }] } })
  })
})

describe('an attempt', () => {
  /** Up to a quarter longer: those who lost the same server must not all come back in one moment. */
  const expectPause = ({ ms }: HeldTimer, least: number) => {
    expect(ms).toBeGreaterThanOrEqual(least)
    expect(ms).toBeLessThanOrEqual(least * 1.25)
  }

  it('is the last after three, with pauses of one and two seconds', async () => {
    const client = await clientOf(arc.tenant())
    const pauses = holdTimers('retry.ts')
    const cuts = [1, 2, 3].map(() => proxy.cut('query Thrice'))
    const refused = expect(client.request('query Thrice { viewer { role } }')).rejects.toMatchObject({
      name: 'ArcRequestError',
      status: 0,
      retryable: true,
    })
    for (const attempt of [1, 2]) {
      const pause = await pauses.next()
      expect(proxy.count('query Thrice')).toBe(attempt)
      expectPause(pause, attempt * 1_000)
      pause.fire()
    }
    await refused
    await Promise.all(cuts)
    expect(proxy.count('query Thrice')).toBe(3)
  })

  it('follows the others for two minutes where the server was there before, with longer and longer pauses', async () => {
    const client = await clientOf(arc.tenant())
    await client.health()
    const pauses = holdTimers('retry.ts')
    const cuts = upTo(6).map(() => proxy.cut('query Restarted'))
    const answered = client.request('query Restarted { viewer { role } }')
    for (const seconds of [1, 2, 4, 5, 5, 5]) {
      const pause = await pauses.next()
      expectPause(pause, seconds * 1_000)
      pause.fire()
    }
    expect(await answered).toEqual({ viewer: { role: 'USER' } })
    await Promise.all(cuts)

    const impatient = await clientOf(arc.tenant(), { patienceMs: 0 })
    await impatient.health()
    const more = [1, 2, 3].map(() => proxy.cut('query Impatient'))
    const refused = expect(impatient.request('query Impatient { viewer { role } }')).rejects.toMatchObject({
      status: 0,
    })
    for (let attempt = 1; attempt < 3; attempt++) (await pauses.next()).fire()
    await refused
    await Promise.all(more)
  })

  it('that a gateway put off comes when that wants it', async () => {
    const client = await clientOf(arc.tenant())
    const now = stopClock()
    const pauses = holdTimers('retry.ts')
    const put = [
      proxy.answer('query Later', '503 Service Unavailable', 'Retry-After: 0'),
      proxy.answer('query Later', '503 Service Unavailable', 'Retry-After: 3'),
    ]
    const answered = client.request('query Later { viewer { role } }')
    for (const ms of [0, 3_000]) {
      const pause = await pauses.next()
      expectPause(pause, ms)
      pause.fire()
    }
    expect(await answered).toEqual({ viewer: { role: 'USER' } })
    const date = new Date(now + 40_000).toUTCString()
    put.push(proxy.answer('query AtADate', '429 Too Many Requests', `Retry-After: ${date}`))
    const answeredThen = client.request('query AtADate { viewer { role } }')
    const pause = await pauses.next()
    expectPause(pause, 40_000)
    pause.fire()
    expect(await answeredThen).toEqual({ viewer: { role: 'USER' } })
    await Promise.all(put)
  })

  it('is not made when the gateway puts it off for longer than a minute', async () => {
    const client = await clientOf(arc.tenant())
    void proxy.answer('query MuchLater', '503 Service Unavailable', 'Retry-After: 61')
    const error = await client.request('query MuchLater { viewer { role } }').then(
      () => expect.unreachable('it went well'),
      (thrown) => thrown,
    )
    expect(error).toBeInstanceOf(ArcRequestError)
    expect(error).toMatchObject({ status: 503, retryable: true, retryAfterMs: 61_000 })
    expect(proxy.count('query MuchLater')).toBe(1)
  })

  it('of any mutation that was put off for too many requests comes again: nothing was done', async () => {
    const client = await clientOf(arc.tenant())
    void proxy.answer('mutation PutOff', '429 Too Many Requests', 'Retry-After: 0')
    const document = 'mutation PutOff { createConfiguration(input: { name: "agent" }) { errors { code } } }'
    expect(await client.request(document)).toEqual({ createConfiguration: { errors: [] } })
    void proxy.answer('mutation BadGateway', '502 Bad Gateway')
    await expect(client.request(document.replace('PutOff', 'BadGateway'))).rejects.toMatchObject({
      status: 502,
    })
  })
})
