import { randomUUID } from 'node:crypto'
import { expect, it } from 'vitest'
import type { Tenant } from '../support/arc.ts'
import { useBothRoads } from '../support/bothRoads.ts'

const both = useBothRoads()
const { arc } = both

const say = (content: string) => ({ role: 'assistant', content })

async function recorded(tenant: Tenant, ...trajectories: object[]): Promise<string[]> {
  const ids = trajectories.map((_, at) => `s${at}`)
  const simulationId = await tenant.simulation(ids)
  const { receipts } = await tenant.record(
    trajectories.map((trajectory, at) => ({
      simulationId,
      scenarioId: ids[at],
      status: 'SUCCESS',
      trajectory,
    })),
  )
  return receipts.map(({ outcomeId }) => outcomeId)
}

const STEP = '{ position change tools baseline { index content } candidate { index content } }'

async function compared(tenant: Tenant, ids: string[], fields: string) {
  const { trajectoryDiff } = await both.data(
    tenant,
    `query ($one: UUID!, $other: UUID!) { trajectoryDiff(baselineOutcomeId: $one, candidateOutcomeId: $other) { ${fields} } }`,
    { one: ids[0], other: ids[1] },
  )
  return trajectoryDiff
}

it('two outcomes show where they part, and their steps in pages', async () => {
  const tenant = arc.tenant()
  const words = ['first', 'second', 'third', 'fourth', 'fifth']
  const ids = await recorded(
    tenant,
    { messages: words.map(say) },
    { messages: [say('first'), say('more'), say('second'), say('3rd?'), say('fourth'), say('fifth')] },
  )
  const diff = await compared(
    tenant,
    ids,
    `baseline { outcomeId scenarioId } candidate { outcomeId } same changed onlyBaseline onlyCandidate isAligned firstDifference ${STEP} steps { totalCount nodes ${STEP} }`,
  )
  const second = {
    position: 1,
    change: 'ONLY_CANDIDATE',
    tools: [],
    baseline: null,
    candidate: { index: 1, content: say('more') },
  }
  expect(diff).toMatchObject({
    baseline: { outcomeId: ids[0], scenarioId: 's0' },
    candidate: { outcomeId: ids[1] },
    same: 4,
    changed: 1,
    onlyBaseline: 0,
    onlyCandidate: 1,
    isAligned: true,
    firstDifference: second,
    steps: { totalCount: 6 },
  })
  expect(diff.steps.nodes[1]).toEqual(second)
  const changes: string[] = []
  for (const [page, cursor, has] of [
    ['first: 2, after', 'endCursor', 'hasNextPage'],
    ['last: 2, before', 'startCursor', 'hasPreviousPage'],
  ] as const) {
    const read: number[] = []
    for (let at: string | null = null; ; ) {
      const { steps } = await compared(
        tenant,
        ids,
        `steps(${page}: ${JSON.stringify(at)}) { nodes { position change } pageInfo { ${cursor} ${has} } }`,
      )
      const positions = steps.nodes.map(({ position }: { position: number }) => position)
      if (has === 'hasNextPage') {
        read.push(...positions)
        changes.push(...steps.nodes.map(({ change }: { change: string }) => change))
      } else read.unshift(...positions)
      if (!steps.pageInfo[has]) break
      at = steps.pageInfo[cursor]
    }
    expect(read).toEqual([0, 1, 2, 3, 4, 5])
  }
  expect(changes).toEqual(['SAME', 'ONLY_CANDIDATE', 'SAME', 'CHANGED', 'SAME', 'SAME'])
  const same = await compared(
    tenant,
    [ids[0]!, ids[0]!],
    'same firstDifference { position } steps(first: 1) { nodes { change } }',
  )
  expect(same).toEqual({ same: 5, firstDifference: null, steps: { nodes: [{ change: 'SAME' }] } })
})

it('an outcome that is another tenant’s or is not there is compared with nothing', async () => {
  const [tenant, other] = [arc.tenant(), arc.tenant()]
  const [own] = await recorded(tenant, { messages: [] })
  const [theirs] = await recorded(other, { messages: [] })
  for (const ids of [
    [own!, theirs!],
    [theirs!, own!],
    [own!, randomUUID()],
  ])
    expect(await compared(tenant, ids, 'same')).toBeNull()
  expect(await compared(tenant, [own!, own!], 'steps { totalCount }')).toEqual({ steps: { totalCount: 0 } })
})
