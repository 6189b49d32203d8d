import { describe, expect, it } from 'vitest'
import { writeAs } from '../../src/db/tenantTransaction.ts'
import { generateRecommendations } from '../../src/evaluation/recommendations/generation.ts'
import { arcFor } from '../../src/viewer.ts'
import { ENGINES } from '../support/emptyDatabase.ts'
import {
  type Brings,
  type EvaluatedAgent,
  fails,
  MINI,
  oneRun,
  partly,
  runsOf,
  searches,
  timeouts,
  useAgentDatabase,
  YAML,
} from '../support/evaluatedAgent.ts'
import { server } from '../support/jobs.ts'

const LATER = `${YAML}top_p: 1\n`
const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => `s_${String(from + n).padStart(3, '0')}`)
const flaky: Brings = ({ scenario, repetition }) => ({
  status: scenario < 10 && repetition === 1 ? 'ERROR' : 'SUCCESS',
})

/** More runs of the version; or of a later one, or an earlier one (from 0). */
const more =
  (
    scenarioIds: readonly string[],
    brings: Brings,
    options: { repetitions?: number; earlier?: number } = {},
  ) =>
  async (agent: EvaluatedAgent) => {
    const { earlier, ...others } = options
    await agent.run(scenarioIds, brings, {
      ...others,
      ...(earlier !== undefined && { versionId: agent.versionIds[earlier]! }),
    })
  }
const later =
  (scenarioIds: readonly string[], brings: Brings, { yaml = LATER, repetitions = 1 } = {}) =>
  async (agent: EvaluatedAgent) => {
    await agent.version(yaml)
    await agent.run(scenarioIds, brings, { repetitions })
  }

interface Case {
  title: string
  /** What the rule's others have unless said. */
  has?(agent: EvaluatedAgent): Promise<unknown>
  next(agent: EvaluatedAgent): Promise<unknown>
  /** Why it is obsolete; it stays open where there is none. */
  reason?: RegExp
}

const RULES: Record<string, { has(agent: EvaluatedAgent): Promise<unknown>; cases: Case[] }> = {
  FAILING_TOOL: {
    has: oneRun(60, searches(15)),
    cases: [
      {
        title: 'it was mended',
        next: more(ids(0, 60), searches(0), { repetitions: 2 }),
        reason: /^Under version 1 search fails in 8\.3 % of 180 calls, the other tools in 0 %\.$/,
      },
      { title: 'it may be as often as one in ten', next: more(ids(0, 60), searches(3)) },
      {
        title: 'a later version mended it',
        next: later(ids(0, 60), searches(0)),
        reason: /^Under version 2 search fails in 0 %/,
      },
      {
        title: 'the others fail as often',
        next: later(ids(0, 60), searches(15, 15)),
        reason: /in 25 % of 60 calls, the other tools in 25 %/,
      },
      { title: 'a later version seldom called it', next: later(ids(0, 19), searches(0)) },
      {
        title: 'a later version mended it, but there is a still later one',
        next: async (agent) => {
          await agent.version(LATER)
          await agent.version(`${LATER}# 3\n`)
          await more(ids(0, 60), searches(0), { earlier: 1 })(agent)
        },
      },
      {
        title: 'an earlier version mended it, and of the latest one it is not sure',
        next: async (agent) => {
          await later(ids(0, 60), searches(9))(agent)
          await more(ids(0, 60), searches(0), { repetitions: 2, earlier: 0 })(agent)
        },
      },
      {
        title: 'an earlier version mended it, but not the latest one',
        next: async (agent) => {
          await agent.version(LATER)
          await agent.run(ids(0, 60), searches(15))
          await agent.generate()
          await more(ids(0, 60), searches(0), { repetitions: 2, earlier: 0 })(agent)
        },
      },
    ],
  },
  TIMEOUT_LIMIT: {
    has: oneRun(60, timeouts(15, 30_200)),
    cases: [
      {
        title: 'nothing times out',
        next: later(ids(0, 60), timeouts(0, 30_200)),
        reason: /^0 % of 60 runs timed out under version 2/,
      },
      {
        title: 'it may be as often as one in twenty',
        next: more(ids(0, 60), timeouts(0, 0), { repetitions: 3 }),
      },
      {
        title: 'the limit is another one',
        next: later(ids(0, 60), timeouts(15, 30_200), { yaml: YAML.replace('timeout', 'max_time') }),
        reason: /^Runs time out under version 2 after 30\.2 s\. It is \/max_time of the YAML\.$/,
      },
      { title: 'a later version hardly ran', next: later(ids(0, 4), timeouts(0, 0)) },
    ],
  },
  UNCOVERED_SCENARIOS: {
    has: partly(9),
    cases: [
      {
        title: 'they were run',
        next: more(ids(20, 30), fails(0)),
        reason: /^Version 1 ran every active scenario with the tag refund\.$/,
      },
      {
        title: 'they do not fail',
        next: later(ids(0, 20), fails(1)),
        reason:
          /^Of the 10 scenarios with the tag refund that version 2 ran 1 fail, of all others 0 of 10\.$/,
      },
      { title: 'they may fail', next: later(ids(0, 20), fails(4)) },
      { title: 'a later version ran none', next: later(ids(10, 20), fails(0)) },
      { title: 'a later version ran few', next: later(ids(6, 20), fails(0)) },
    ],
  },
  CHEAPER_MODEL: {
    has: runsOf(100, [MINI, fails(10, { costUsd: 0.01 })], [YAML, fails(10, { costUsd: 0.05 })]),
    cases: [
      {
        title: 'it costs more',
        next: more(ids(0, 100), fails(10, { costUsd: 0.2 }), { earlier: 0 }),
        reason: /^gpt-4\.1-mini \(version 1\) does not cost less than version 2: \$0\.105 instead of \$0\.05/,
      },
      {
        title: 'it is worse',
        next: more(ids(0, 100), fails(60, { costUsd: 0.01 }), { earlier: 0 }),
        reason:
          /^gpt-4\.1-mini \(version 1\) is worse than version 2: its success rate differs by -25 points/,
      },
      { title: 'it may be worse', next: more(ids(0, 100), fails(13, { costUsd: 0.01 }), { earlier: 0 }) },
      {
        title: 'it is surely worse, by less than five points or more',
        next: more(ids(0, 100), fails(18, { costUsd: 0.01 }), { earlier: 0 }),
        reason: /its success rate differs by -4 points/,
      },
      {
        title: 'it seems to be worse, by more than five points',
        has: runsOf(60, [MINI, fails(20, { costUsd: 0.01 })], [YAML, fails(20, { costUsd: 0.05 })]),
        next: more(
          ids(0, 60),
          ({ scenario }) => ({
            status: scenario >= 20 && scenario < 47 ? 'ERROR' : 'SUCCESS',
            costUsd: 0.01,
          }),
          { earlier: 0 },
        ),
        reason: /its success rate differs by -5\.8 points \(-\d+(\.\d)? points to \d/,
      },
      {
        title: 'one version with it costs more, and another one with it may be worse',
        has: runsOf(
          100,
          [MINI, fails(10, { costUsd: 0.01 })],
          [`# again\n${MINI}`, fails(10, { costUsd: 0.01 })],
          [YAML, fails(10, { costUsd: 0.05 })],
        ),
        next: async (agent) => {
          await more(ids(0, 100), fails(13, { costUsd: 0.01 }), { earlier: 0 })(agent)
          await more(ids(0, 100), fails(10, { costUsd: 0.2 }), { earlier: 1 })(agent)
        },
      },
      {
        title: 'it may cost more, and its scores are lower by what nobody minds',
        has: runsOf(
          100,
          [MINI, fails(10, { costUsd: 0.01, reliabilityScore: 0.88 })],
          [YAML, fails(10, { costUsd: 0.05, reliabilityScore: 0.9 })],
        ),
        next: more(
          ids(0, 100),
          (at) => fails(10, { costUsd: at.scenario % 2 ? 0.17 : 0, reliabilityScore: 0.88 })(at),
          { earlier: 0 },
        ),
      },
      {
        title: 'somebody took it',
        next: later(ids(0, 10), fails(0), { yaml: `# again\n${MINI}` }),
        reason: /^Version 3 runs gpt-4\.1-mini\.$/,
      },
      { title: 'a later version differs in more', next: later(ids(0, 100), fails(10, { costUsd: 0.05 })) },
    ],
  },
  VERSION_ROLLBACK: {
    has: runsOf(20, [YAML, fails(2)], [LATER, fails(12)]),
    cases: [
      {
        title: 'it is not worse',
        next: more(ids(0, 20), fails(0), { repetitions: 10 }),
        reason: /^Version 2 is not worse than version 1: on 20 scenarios/,
      },
      {
        title: 'the earlier one is worse',
        next: more(ids(0, 20), fails(20), { repetitions: 10, earlier: 0 }),
        reason: /^Version 2 is not worse than version 1/,
      },
      {
        title: 'it may be worse',
        next: more(
          ids(0, 20),
          ({ scenario }) => ({ status: scenario >= 2 && scenario < 5 ? 'ERROR' : 'SUCCESS' }),
          { repetitions: 3 },
        ),
      },
      {
        title: 'there is a later one',
        next: later(ids(0, 20), fails(2), { yaml: `${LATER}# 3\n` }),
        reason: /^Version 3 is the latest one now\.$/,
      },
      {
        title: 'somebody went back',
        next: later(ids(0, 2), fails(0), { yaml: YAML }),
        reason: /^Version 3 is the latest one now\.$/,
      },
    ],
  },
  FLAKY_SCENARIOS: {
    has: oneRun(20, flaky, { repetitions: 2 }),
    cases: [
      {
        title: 'they agree',
        next: later(ids(0, 20), fails(2), { repetitions: 2 }),
        reason: /^None of 20 scenarios that ran twice or more under version 2 both passed and failed/,
      },
      { title: 'nothing was repeated', next: later(ids(0, 20), fails(2)) },
    ],
  },
}

describe.each(ENGINES)('recommendations that are over, on $dump', ({ extension }) => {
  const { database, agent, look } = useAgentDatabase(extension)

  const all = async ({ tenant }: EvaluatedAgent, rule: string) =>
    (
      await tenant.data(`{ recommendations(filter: { rule: { eq: ${rule} } }, orderBy: { field: CREATED_AT, direction: ASC }) {
        nodes { recommendationId state obsoleteAt obsoleteReason supersededById facts sourceId }
      } }`)
    ).recommendations.nodes

  const step = async ({ tenant }: EvaluatedAgent, mutation: string, input: object) => {
    const type = `${mutation[0]!.toUpperCase()}${mutation.slice(1)}Input`
    const data = await tenant.data(
      `mutation ($input: ${type}!) { ${mutation}(input: $input) { errors { code } } }`,
      { input },
    )
    return data[mutation].errors.map(({ code }: { code: string }) => code)
  }

  const remove = async ({ tenant }: EvaluatedAgent, simulationId: string): Promise<string> => {
    const { deleteSimulation } = await tenant.data(
      'mutation ($id: UUID!) { deleteSimulation(input: { simulationId: $id }) { deletion { deletionId } errors { message } } }',
      { id: simulationId },
    )
    expect(deleteSimulation.errors).toEqual([])
    return deleteSimulation.deletion.deletionId
  }
  const restore = ({ tenant }: EvaluatedAgent, deletionId: string) =>
    tenant.data('mutation ($id: UUID!) { undelete(input: { deletionId: $id }) { errors { message } } }', {
      id: deletionId,
    })

  const OPEN = { state: 'OPEN', obsoleteAt: null, obsoleteReason: null }

  describe.each(Object.entries(RULES))('%s', (rule, { has, cases }) => {
    it.each(cases)('$title: $reason', async ({ has: its = has, next, reason }) => {
      const one = agent()
      await its(one)
      await look()
      expect(await all(one, rule)).toMatchObject([OPEN])
      await next(one)
      await look()
      const [first] = await all(one, rule)
      expect(first).toMatchObject(
        reason
          ? {
              state: 'OBSOLETE',
              obsoleteAt: expect.stringMatching(/^20/),
              obsoleteReason: expect.stringMatching(reason),
            }
          : OPEN,
      )
    })

    it('its runs are deleted, and come back', async () => {
      const one = agent()
      await has(one)
      await look()
      const [{ recommendationId, sourceId }] = await all(one, rule)
      const deletionId = await remove(one, sourceId)
      await look()
      expect(await all(one, rule)).toMatchObject([{ state: 'OBSOLETE', obsoleteReason: expect.any(String) }])
      await restore(one, deletionId)
      await look()
      expect(await all(one, rule)).toMatchObject([{ recommendationId, ...OPEN }])
    })
  })

  it('come back with their runs, whatever later version there is that has hardly run', async () => {
    const one = agent()
    await oneRun(60, searches(15))(one)
    await look()
    const [{ recommendationId, sourceId }] = await all(one, 'FAILING_TOOL')
    await later(ids(0, 19), searches(0))(one)
    const deletionId = await remove(one, sourceId)
    await look()
    expect(await all(one, 'FAILING_TOOL')).toMatchObject([{ state: 'OBSOLETE' }])
    await restore(one, deletionId)
    await look()
    expect(await all(one, 'FAILING_TOOL')).toMatchObject([{ recommendationId, ...OPEN }])
  })

  it('are looked at again when runs that completed are corrected or graded', async () => {
    const one = agent()
    await oneRun(60, searches(15))(one)
    await look()
    expect(await all(one, 'FAILING_TOOL')).toMatchObject([OPEN])
    const { outcomes } = await one.tenant.data('{ outcomes(first: 100) { nodes { outcomeId } } }')
    const correct = async (failing: number) => {
      const { amendOutcomes } = await one.tenant.data(
        `mutation ($input: AmendOutcomesInput!) { amendOutcomes(input: $input) { receipts { status } errors { message } } }`,
        {
          input: {
            amendments: outcomes.nodes.map(({ outcomeId }: { outcomeId: string }, scenario: number) => ({
              outcomeId,
              ...searches(failing)({ scenario, repetition: 1 }),
            })),
          },
        },
      )
      expect(amendOutcomes.receipts).toContainEqual({ status: 'AMENDED' })
      await look()
    }
    await correct(0)
    expect(await all(one, 'FAILING_TOOL')).toMatchObject([{ state: 'OBSOLETE' }])
    await correct(15)
    expect(await all(one, 'FAILING_TOOL')).toMatchObject([OPEN])
  })

  it('are told of to who asks, as what is so again is', async () => {
    const one = agent()
    await oneRun(60, searches(15))(one)
    const { recommendationId } = (await one.generate()).FAILING_TOOL.recommendation
    const deletionId = await remove(one, (await all(one, 'FAILING_TOOL'))[0].sourceId)
    const asked = () =>
      one.tenant
        .data(
          `mutation { generateRecommendations(input: { configId: "${one.configId}" }) {
            results { rule status reason recommendation { recommendationId state } } } }`,
        )
        .then(({ generateRecommendations: { results } }) =>
          results.filter((result: { rule: string }) => result.rule === 'FAILING_TOOL'),
        )
    expect(await asked()).toMatchObject([
      {
        status: 'OBSOLETE',
        reason: expect.stringContaining('too few to say'),
        recommendation: { recommendationId, state: 'OBSOLETE' },
      },
      { status: 'INSUFFICIENT_DATA', recommendation: null },
    ])
    expect(await asked()).toMatchObject([{ status: 'INSUFFICIENT_DATA' }])
    for (const [mutation, input] of [
      ['applyRecommendation', { recommendationId }],
      ['dismissRecommendation', { recommendationId, reason: 'Other.' }],
    ] as const)
      expect(await step(one, mutation, input)).toEqual(['RECOMMENDATION_STALE'])
    await restore(one, deletionId)
    expect(await asked()).toMatchObject([
      { status: 'REOPENED', recommendation: { recommendationId, state: 'OPEN' } },
    ])
    expect(await asked()).toMatchObject([{ status: 'ALREADY_MADE' }])
    const { auditLog } = await one.tenant.data(
      '{ auditLog(filter: { tableName: { eq: "recommendations" } }) { nodes { operation newData } } }',
    )
    expect(auditLog.nodes.map(({ newData }: any) => newData.state)).toEqual(['open', 'obsolete', 'open'])
  })

  it('are those that nobody has decided on', async () => {
    const [dismissed, applied] = [agent(), agent()]
    for (const each of [dismissed, applied]) await oneRun(60, searches(15))(each)
    await look()
    const keyOf = async (of: EvaluatedAgent) => (await all(of, 'FAILING_TOOL'))[0].recommendationId
    await step(dismissed, 'dismissRecommendation', {
      recommendationId: await keyOf(dismissed),
      reason: 'We know.',
    })
    await step(applied, 'applyRecommendation', { recommendationId: await keyOf(applied) })
    for (const each of [dismissed, applied]) await more(ids(0, 60), searches(0), { repetitions: 2 })(each)
    await look()
    const over = { obsoleteAt: null, obsoleteReason: null }
    expect(await all(dismissed, 'FAILING_TOOL')).toMatchObject([{ state: 'DISMISSED', ...over }])
    expect(await all(applied, 'FAILING_TOOL')).toMatchObject([{ state: 'APPLIED', ...over }])
    // Not so, and so again: what was dismissed stays so.
    await more(ids(0, 60), searches(45), { repetitions: 1 })(dismissed)
    await remove(dismissed, (await all(dismissed, 'FAILING_TOOL'))[0].sourceId)
    await look()
    expect((await all(dismissed, 'FAILING_TOOL'))[0]).toMatchObject({ state: 'DISMISSED', ...over })
  })

  it('make way for another one where there is other evidence', async () => {
    const one = agent()
    await oneRun(60, searches(15))(one)
    await look()
    await more(ids(0, 60), searches(0), { repetitions: 2 })(one)
    await look()
    expect(await all(one, 'FAILING_TOOL')).toMatchObject([{ state: 'OBSOLETE' }])
    await more(ids(0, 60), searches(60))(one)
    await look()
    const [first, second] = await all(one, 'FAILING_TOOL')
    expect([first, second]).toMatchObject([
      { state: 'SUPERSEDED', supersededById: second.recommendationId },
      { ...OPEN, facts: { calls: 240 } },
    ])
  })

  it('that were superseded by runs which are deleted take their place again', async () => {
    const one = agent()
    await oneRun(60, searches(15))(one)
    await look()
    const newer = await one.run(ids(0, 60), searches(55))
    await look()
    const [first, second] = await all(one, 'FAILING_TOOL')
    expect([first, second]).toMatchObject([{ state: 'SUPERSEDED' }, { state: 'OPEN', sourceId: newer }])
    const deletionId = await remove(one, newer)
    await look()
    expect(await all(one, 'FAILING_TOOL')).toMatchObject([
      { recommendationId: first.recommendationId, ...OPEN, supersededById: null },
      { state: 'SUPERSEDED', supersededById: first.recommendationId },
    ])
    await restore(one, deletionId)
    await look()
    expect(await all(one, 'FAILING_TOOL')).toMatchObject([
      { state: 'SUPERSEDED', supersededById: second.recommendationId },
      { recommendationId: second.recommendationId, ...OPEN, supersededById: null },
    ])
  })

  it('that took their place again and are dismissed come not again by the same evidence', async () => {
    const one = agent()
    await oneRun(60, searches(15))(one)
    await look()
    const newer = await one.run(ids(0, 60), searches(55))
    await look()
    await remove(one, newer)
    await look()
    const [{ recommendationId }] = await all(one, 'FAILING_TOOL')
    await step(one, 'dismissRecommendation', { recommendationId, reason: 'We know.' })
    await one.run(ids(0, 20), searches(5))
    await look()
    expect(await all(one, 'FAILING_TOOL')).toMatchObject([{ state: 'DISMISSED' }, { state: 'SUPERSEDED' }])
  })

  it('that were superseded stay so where somebody has decided on the newer one', async () => {
    const one = agent()
    await oneRun(60, searches(15))(one)
    await look()
    const newer = await one.run(ids(0, 60), searches(55))
    await look()
    const [, { recommendationId }] = await all(one, 'FAILING_TOOL')
    await step(one, 'dismissRecommendation', { recommendationId, reason: 'We know.' })
    await remove(one, newer)
    expect((await one.generate()).FAILING_TOOL).toMatchObject({
      status: 'ALREADY_MADE',
      recommendation: { recommendationId },
    })
    expect(await all(one, 'FAILING_TOOL')).toMatchObject([
      { state: 'SUPERSEDED', supersededById: recommendationId },
      { state: 'DISMISSED' },
    ])
  })

  it.each([
    ['come back', { state: 'OPEN' }, { state: 'SUPERSEDED' }],
    [
      'are there no more, but others that say the same',
      { state: 'SUPERSEDED' },
      { state: 'SUPERSEDED' },
      OPEN,
    ],
  ])('that were superseded, when all runs were deleted and theirs %s', async (what, ...states) => {
    const one = agent()
    await oneRun(60, searches(15))(one)
    await look()
    const [{ sourceId }] = await all(one, 'FAILING_TOOL')
    const newer = await one.run(ids(0, 60), searches(55))
    await look()
    await remove(one, newer)
    const deletionId = await remove(one, sourceId)
    await look()
    expect(await all(one, 'FAILING_TOOL')).toMatchObject([{ state: 'SUPERSEDED' }, { state: 'OBSOLETE' }])
    if (what === 'come back') await restore(one, deletionId)
    else await one.run(ids(0, 60), searches(15))
    await look()
    expect(await all(one, 'FAILING_TOOL')).toMatchObject(states)
  })

  it('are left to who looks next where runs have changed since they were read', async () => {
    const one = agent()
    await oneRun(60, searches(15))(one)
    await look()
    const { pool, stop } = server([], database.serviceUrl)
    const status = async (meanwhile: () => Promise<unknown>) => {
      let transactions = 0
      const results = await generateRecommendations(
        async (work) => {
          if (transactions++ === 1) await meanwhile()
          return writeAs({ writing: pool } as never, arcFor(one.tenant.tenantId), work)
        },
        { versionId: one.versionIds[0]!, becauseOf: one.versionIds[0]! },
        null,
      )
      return results.filter(({ rule }) => rule === 'failing_tool').map((result) => result.status)
    }
    const [{ sourceId }] = await all(one, 'FAILING_TOOL')
    expect(await status(() => one.run(ids(0, 60), searches(15)))).toEqual(['ALREADY_MADE'])
    const others: string[] = [sourceId]
    for (const { simulationId } of (await one.tenant.data('{ simulations { nodes { simulationId } } }'))
      .simulations.nodes)
      if (simulationId !== sourceId) others.push(simulationId)
    const deletions: string[] = []
    const removeAll = async () => {
      for (const id of others) deletions.push(await remove(one, id))
    }
    await removeAll()
    expect(await status(() => restore(one, deletions[0]!))).toEqual(['INSUFFICIENT_DATA'])
    expect(await all(one, 'FAILING_TOOL')).toMatchObject([OPEN])
    await remove(one, sourceId)
    // As is what somebody has decided on meanwhile.
    const [{ recommendationId }] = await all(one, 'FAILING_TOOL')
    const dismiss = () => step(one, 'dismissRecommendation', { recommendationId, reason: 'We know.' })
    expect(await status(dismiss)).toEqual(['INSUFFICIENT_DATA'])
    expect(await all(one, 'FAILING_TOOL')).toMatchObject([{ state: 'DISMISSED', obsoleteAt: null }])
    await step(one, 'withdrawRecommendationDismissal', { recommendationId })
    await look()
    expect(await all(one, 'FAILING_TOOL')).toMatchObject([{ state: 'OBSOLETE' }])
    for (const id of deletions.slice(1)) await restore(one, id)
    const [{ simulationId }] = (await one.tenant.data('{ simulations { nodes { simulationId } } }'))
      .simulations.nodes
    expect(await status(() => remove(one, simulationId))).toEqual(['ALREADY_MADE'])
    expect(await all(one, 'FAILING_TOOL')).toMatchObject([{ state: 'OBSOLETE' }])
    await stop()
  })
})
