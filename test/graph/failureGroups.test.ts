import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changeFailureGrouping } from '../../src/db/admin/failureGrouping.ts'
import type { Tenant } from '../support/arc.ts'
import { useBothRoadsAlone } from '../support/bothRoads.ts'
import { at, CALIBRATED, giveVectors, groupNow } from '../support/failureVectors.ts'
import { sqlAs } from '../support/sqlAs.ts'

const both = useBothRoadsAlone()

/** A failure by its name: type, message, and where its vector points. */
const FAILURES = {
  late: ['TimeoutError', 'no answer from the booking service in 30 s', 0],
  slow: ['SlowAnswer', 'the booking service took longer than it may', 20],
  hung: ['Hung', 'booking hangs', 40],
  denied: ['PermissionError', 'the folder may not be written to', 100],
  regex: ['assert:regex', 'expected output to match paris', 0],
  json: ['assert:json', 'expected output to match a schema', 1],
  named: ['wrong_end_state', 'the booking was changed in another way', 10],
  unnamed: ['tool_error', 'the booking service hangs up', 10],
  policy: ['Policy_check', 'the booking service was not asked', 0],
} as const satisfies Record<string, readonly [type: string, message: string, degrees: number]>
type Failure = keyof typeof FAILURES

interface Run {
  version: number
  scenario: string
  day: number
  failures?: Failure[]
  status?: string
  repetition?: number
  retryCount?: number
}

class Scene {
  readonly tenant: Tenant = both.arc.tenant()
  readonly signatures = {} as Record<Failure, string>
  configId = ''
  versions: string[] = []
  simulations: string[] = []

  /** `versions`: of one configuration, each with one simulation that has the scenarios. */
  static async of(versions: number, scenarios: string[], runs: Run[]): Promise<Scene> {
    const scene = new Scene()
    const { tenant } = scene
    await tenant.scenarios(...scenarios)
    const first = await tenant.configVersion()
    scene.configId = first.configId
    scene.versions.push(first.versionId)
    for (let number = 2; number <= versions; number++) {
      const { createConfigVersion } = await tenant.data(
        `mutation ($input: CreateConfigVersionInput!) { createConfigVersion(input: $input) { version { versionId } } }`,
        { input: { configId: scene.configId, yaml: `model: m${number}\ntemperature: 0.5\n` } },
      )
      scene.versions.push(createConfigVersion.version.versionId)
    }
    for (const configVersionId of scene.versions) {
      const { startSimulation } = await tenant.data(
        `mutation ($input: StartSimulationInput!) { startSimulation(input: $input) { simulation { simulationId } } }`,
        { input: { configVersionId, scenarioIds: scenarios, repetitions: 3, maxRetries: 2 } },
      )
      scene.simulations.push(startSimulation.simulation.simulationId)
    }
    await scene.record(runs)
    return scene
  }

  async record(runs: Run[]): Promise<void> {
    const { receipts } = await this.tenant.record(
      runs.map(({ version, scenario, day, failures = [], status, repetition = 1, retryCount = 0 }) => ({
        outcomeId: randomUUID(),
        simulationId: this.simulations[version - 1],
        scenarioId: scenario,
        repetition,
        retryCount,
        status: status ?? (failures.length > 0 ? 'ERROR' : 'SUCCESS'),
        executionTime: new Date(Date.now() - day * 86_400_000).toISOString(),
        failurePatterns: failures.map((name) => ({
          failureType: FAILURES[name][0],
          errorMessage: FAILURES[name][1],
        })),
      })),
    )
    expect(receipts.map(({ status }: any) => status)).toEqual(runs.map(() => 'STORED'))
    const { failurePatterns } = await this.tenant.data(
      '{ failurePatterns(first: 100) { nodes { failureType signature } } }',
    )
    for (const [name, [type]] of Object.entries(FAILURES)) {
      const found = failurePatterns.nodes.find(({ failureType }: any) => failureType === type)
      if (found) this.signatures[name as Failure] = found.signature
    }
  }

  /** What the job of embeddings would do. */
  async embed(names = Object.keys(this.signatures) as Failure[], model = CALIBRATED): Promise<void> {
    await giveVectors(
      both.arc,
      this.tenant,
      Object.fromEntries(names.map((name) => [this.signatures[name], at(FAILURES[name][2])])),
      model,
    )
  }

  async group(coreSize?: number): Promise<void> {
    await groupNow(both.arc, coreSize)
    const { failureGrouping } = await this.tenant.data('{ failureGrouping { pending } }')
    expect(failureGrouping).toEqual({ pending: false })
  }

  /** Answered by statements and by resolvers. */
  data(query: string, variables: object = {}, tooLarge = 0): Promise<any> {
    return both.data(this.tenant, query, variables, tooLarge)
  }

  nameOf(signature: string): Failure {
    return (Object.keys(this.signatures) as Failure[]).find((name) => this.signatures[name] === signature)!
  }

  /** The groups’ members, by name. */
  async groups(filter = ''): Promise<string[][]> {
    const { failureGroups } = await this.data(
      `{ failureGroups(by: MEANING${filter}) { nodes { signatureList { nodes { signature } } } } }`,
    )
    return failureGroups.nodes
      .map(({ signatureList }: any) =>
        signatureList.nodes.map(({ signature }: any) => this.nameOf(signature)).sort(),
      )
      .sort()
  }
}

const COUNTS = 'failures attempts runs'

describe('failure groups by meaning', () => {
  it('sum up failures that mean the same, wherever they are asked for', async () => {
    const scene = await Scene.of(
      2,
      ['a', 'b'],
      [
        { version: 1, scenario: 'a', day: 9, failures: ['late'] },
        { version: 1, scenario: 'b', day: 8, failures: ['late', 'denied'] },
        { version: 2, scenario: 'a', day: 3, failures: ['slow'] },
        { version: 2, scenario: 'a', day: 2, failures: ['slow'], retryCount: 1 },
        { version: 2, scenario: 'b', day: 1, failures: ['hung', 'regex'] },
        { version: 2, scenario: 'b', day: 1, failures: ['json'], repetition: 2 },
      ],
    )
    const bySignature = [['denied'], ['hung'], ['json'], ['late'], ['regex'], ['slow']]
    expect(await scene.groups()).toEqual(bySignature)
    await scene.embed()
    expect(await scene.groups()).toEqual(bySignature)
    await scene.group()
    // Checks keep apart, however alike.
    expect(await scene.groups()).toEqual([['denied'], ['hung', 'late', 'slow'], ['json'], ['regex']])

    const { failureGroups, ...others } = await scene.data(
      `query ($configId: UUID!, $versionId: UUID!, $simulationId: UUID!) {
        failureGroups(by: MEANING) { totalCount nodes {
          groupedBy label signature signatures failureType ${COUNTS} simulations share
          latest { failureType } typical { failureType }
          signatureList(orderBy: {field: CENTRALITY, direction: DESC}) { totalCount nodes { signature label centrality ${COUNTS} latest { failureType } } }
          configVersions(orderBy: {field: VERSION_NUMBER}) { totalCount nodes { versionNumber ${COUNTS} configVersion { versionNumber } } }
          configurations { nodes { versions ${COUNTS} configuration { configId } firstVersion { versionNumber } lastVersion { versionNumber } } }
          scenarios(orderBy: {field: SCENARIO_ID}) { totalCount nodes { scenarioId ${COUNTS} scenario { scenarioId } } }
          trend { failures previousFailures runs previousRuns }
          long: trend(days: 30) { failures previousFailures runs previousRuns }
        } }
        configuration(configId: $configId) { failureGroups(by: MEANING, first: 1) { nodes { ${COUNTS} share scenarios { totalCount } } } }
        configVersion(versionId: $versionId) { failureGroups(by: MEANING, first: 1) { nodes { ${COUNTS} share signatures
          configVersions { nodes { versionNumber } } scenarios { totalCount } trend { previousFailures failures } } } }
        simulation(simulationId: $simulationId) { failureGroups(by: MEANING, first: 1) { nodes { ${COUNTS} share } } }
        scenario(scenarioId: "a") { failureGroups(by: MEANING, first: 1) { nodes { ${COUNTS} share signatures scenarios { nodes { scenarioId } } } } }
        filtered: failureGroups(by: MEANING, filter: { superseded: false, scenarioId: { eq: "a" } }) { nodes { ${COUNTS} scenarios { totalCount } } }
        one: failureGroups(by: MEANING, filter: { group: "${scene.signatures.hung}" }) { nodes { ${COUNTS} signatures } }
        bySignature: failureGroups(filter: { signatures: { eq: 1 }, failureType: { eq: "SlowAnswer" } }) { nodes { groupedBy ${COUNTS} signatures typical { failureType } } }
        failurePatterns(filter: { group: "${scene.signatures.hung}" }) { totalCount }
      }`,
      { configId: scene.configId, versionId: scene.versions[1], simulationId: scene.simulations[0] },
      // All that hangs on groups at once.
      1,
    )
    expect(failureGroups.totalCount).toBe(4)
    const cosine = (degrees: number) => Math.cos((degrees * Math.PI) / 180)
    const outer = (cosine(20) + cosine(40)) / 2
    const [group] = failureGroups.nodes
    expect(group).toEqual({
      groupedBy: 'MEANING',
      // Two failures have two patterns each.
      label: expect.stringMatching(
        /^(TimeoutError: no answer from the booking service in … s|SlowAnswer: the booking service took longer than it may)$/,
      ),
      signature: [scene.signatures.late, scene.signatures.slow].sort()[0],
      failureType: 'SlowAnswer',
      signatures: 3,
      failures: 5,
      attempts: 5,
      runs: 4,
      simulations: 2,
      // Of a and b in both versions, and b once more.
      share: 0.8,
      latest: { failureType: 'Hung' },
      typical: { failureType: 'SlowAnswer' },
      signatureList: {
        totalCount: 3,
        nodes: [
          {
            signature: scene.signatures.slow,
            label: expect.anything(),
            centrality: expect.closeTo(cosine(20), 3),
            failures: 2,
            attempts: 2,
            runs: 1,
            latest: { failureType: 'SlowAnswer' },
          },
          ...(['late', 'hung'] as const)
            .map((name) => ({
              signature: scene.signatures[name],
              label: expect.anything(),
              centrality: expect.closeTo(outer, 3),
              failures: name === 'late' ? 2 : 1,
              attempts: name === 'late' ? 2 : 1,
              runs: name === 'late' ? 2 : 1,
              latest: { failureType: FAILURES[name][0] },
            }))
            // Equal but for rounding.
            .sort((one, other) => {
              const placeOf = ({ signature }: { signature: string }) =>
                group.signatureList.nodes.findIndex((each: any) => each.signature === signature)
              return placeOf(one) - placeOf(other)
            }),
        ],
      },
      configVersions: {
        totalCount: 2,
        nodes: [
          { versionNumber: 1, failures: 2, attempts: 2, runs: 2, configVersion: { versionNumber: 1 } },
          { versionNumber: 2, failures: 3, attempts: 3, runs: 2, configVersion: { versionNumber: 2 } },
        ],
      },
      configurations: {
        nodes: [
          {
            versions: 2,
            failures: 5,
            attempts: 5,
            runs: 4,
            configuration: { configId: scene.configId },
            firstVersion: { versionNumber: 1 },
            lastVersion: { versionNumber: 2 },
          },
        ],
      },
      scenarios: {
        totalCount: 2,
        nodes: [
          { scenarioId: 'a', failures: 3, attempts: 3, runs: 2, scenario: { scenarioId: 'a' } },
          { scenarioId: 'b', failures: 2, attempts: 2, runs: 2, scenario: { scenarioId: 'b' } },
        ],
      },
      trend: { failures: 3, previousFailures: 2, runs: 2, previousRuns: 2 },
      long: { failures: 5, previousFailures: 0, runs: 4, previousRuns: 0 },
    })
    const of = (field: string) => others[field].failureGroups.nodes[0]
    expect(of('configuration')).toEqual({
      failures: 5,
      attempts: 5,
      runs: 4,
      share: 0.8,
      scenarios: { totalCount: 2 },
    })
    expect(of('configVersion')).toEqual({
      failures: 3,
      attempts: 3,
      runs: 2,
      share: expect.closeTo(2 / 3, 10),
      signatures: 2,
      configVersions: { nodes: [{ versionNumber: 2 }] },
      scenarios: { totalCount: 2 },
      trend: { failures: 3, previousFailures: 0 },
    })
    expect(of('simulation')).toEqual({ failures: 2, attempts: 2, runs: 2, share: 1 })
    expect(of('scenario')).toEqual({
      failures: 3,
      attempts: 3,
      runs: 2,
      share: 1,
      signatures: 2,
      scenarios: { nodes: [{ scenarioId: 'a' }] },
    })
    expect(others.filtered.nodes).toEqual([
      { failures: 2, attempts: 2, runs: 2, scenarios: { totalCount: 1 } },
    ])
    expect(others.one.nodes).toEqual([{ failures: 5, attempts: 5, runs: 4, signatures: 3 }])
    expect(others.bySignature.nodes).toEqual([
      {
        groupedBy: 'SIGNATURE',
        failures: 2,
        attempts: 2,
        runs: 1,
        signatures: 1,
        typical: { failureType: 'SlowAnswer' },
      },
    ])
    expect(others.failurePatterns.totalCount).toBe(5)
  })

  it('tell what is new, gone and unknown since a version, from what ran', async () => {
    const scene = await Scene.of(
      3,
      ['a', 'b', 'c'],
      [
        { version: 1, scenario: 'a', day: 9, failures: ['late', 'denied', 'regex'] },
        { version: 1, scenario: 'b', day: 9, failures: ['denied'] },
        // Another signature of the same meaning.
        { version: 2, scenario: 'a', day: 6, failures: ['slow'] },
        { version: 3, scenario: 'a', day: 3, failures: ['json'] },
        // Cut off: it may have stopped before it could be denied.
        { version: 3, scenario: 'b', day: 3, status: 'TIMEOUT' },
        { version: 3, scenario: 'c', day: 3, failures: ['hung'] },
      ],
    )
    await scene.embed(['late', 'slow'])
    await scene.group()
    const states = async (versionId: string | undefined) => {
      const { failureGroups } = await scene.data(
        `query ($versionId: UUID!) { failureGroups(by: MEANING) { nodes { signature since(versionId: $versionId) } } }`,
        { versionId },
      )
      return Object.fromEntries(
        failureGroups.nodes.map(({ signature, since }: any) => [scene.nameOf(signature), since]),
      )
    }
    const booking =
      [scene.signatures.late, scene.signatures.slow].sort()[0] === scene.signatures.late ? 'late' : 'slow'
    const { versions, configId } = scene
    const table = [
      [versions[1], { [booking]: 'STAYS', denied: 'UNKNOWN', regex: 'GONE', json: 'NEW', hung: 'UNKNOWN' }],
      [versions[2], { [booking]: 'GONE', denied: 'UNKNOWN', regex: 'GONE', json: 'NEW', hung: 'UNKNOWN' }],
      [
        randomUUID(),
        { [booking]: 'ABSENT', denied: 'ABSENT', regex: 'ABSENT', json: 'ABSENT', hung: 'ABSENT' },
      ],
    ] as const
    for (const [version, expected] of table) {
      expect(await states(version)).toEqual(expected)
      for (const [argument, state] of [
        ['newSince', 'NEW'],
        ['goneSince', 'GONE'],
      ] as const) {
        const { failureGroups } = await scene.data(
          `query ($versionId: UUID!) { failureGroups(by: MEANING, ${argument}: $versionId) { totalCount nodes { signature } } }`,
          { versionId: version },
        )
        const names = Object.entries(expected).flatMap(([name, is]) => (is === state ? [name] : []))
        expect(failureGroups.nodes.map(({ signature }: any) => scene.nameOf(signature)).sort()).toEqual(
          names.sort(),
        )
        expect(failureGroups.totalCount).toBe(names.length)
      }
    }
    // By signature the first of the two that mean the same is gone already.
    const { failureGroups: bySignature } = await scene.data(
      `query ($versionId: UUID!) { failureGroups(goneSince: $versionId) { nodes { failureType } } }`,
      { versionId: versions[1] },
    )
    expect(bySignature.nodes.map(({ failureType }: any) => failureType).sort()).toEqual([
      'TimeoutError',
      'assert:regex',
    ])

    const history = async () => {
      const { failureGroups } = await scene.data(
        `{ failureGroups(by: MEANING) { nodes { signature configurations(filter: {configId: {eq: "${configId}"}}) { nodes {
          firstVersion { versionNumber } lastVersion { versionNumber } newSince { versionNumber } goneSince { versionNumber } } } } } }`,
      )
      return Object.fromEntries(
        failureGroups.nodes.map(({ signature, configurations: { nodes } }: any) => [
          scene.nameOf(signature),
          ['firstVersion', 'lastVersion', 'newSince', 'goneSince'].map(
            (name) => nodes[0][name]?.versionNumber ?? null,
          ),
        ]),
      )
    }
    expect(await history()).toEqual({
      [booking]: [1, 2, null, 3],
      denied: [1, 1, null, null],
      regex: [1, 1, null, 2],
      json: [3, 3, 3, null],
      hung: [3, 3, null, null],
    })
    // Now b has ended by itself too.
    await scene.record([{ version: 3, scenario: 'b', day: 2, repetition: 2 }])
    expect((await history()).denied).toEqual([1, 1, null, 3])
    expect((await states(versions[2])).denied).toBe('GONE')
  })

  it('are new since a version only where what has them ran before any of them', async () => {
    const scene = await Scene.of(
      3,
      ['a', 'b'],
      [
        { version: 2, scenario: 'a', day: 3, failures: ['late'] },
        { version: 2, scenario: 'b', day: 3 },
        { version: 3, scenario: 'b', day: 2, failures: ['late'] },
      ],
    )
    const versions = async () => {
      const { failureGroups } = await scene.data(
        '{ failureGroups { nodes { configurations { nodes { firstVersion { versionNumber } newSince { versionNumber } } } } } }',
      )
      return failureGroups.nodes.map(({ configurations }: any) => configurations.nodes)
    }
    expect(await versions()).toEqual([[{ firstVersion: { versionNumber: 2 }, newSince: null }]])
    await scene.record([{ version: 1, scenario: 'b', day: 9 }])
    expect(await versions()).toEqual([
      [{ firstVersion: { versionNumber: 2 }, newSince: { versionNumber: 2 } }],
    ])
  })

  it.each(['late', 'slow'] as const)('are called by the most common of them: %s', async (most) => {
    const other = most === 'late' ? 'slow' : 'late'
    const scene = await Scene.of(
      1,
      ['a'],
      [
        { version: 1, scenario: 'a', day: 1, failures: [most, other] },
        { version: 1, scenario: 'a', day: 2, failures: [most], repetition: 2 },
      ],
    )
    await scene.embed()
    await scene.group()
    const { failureGroups } = await scene.data(
      '{ failureGroups(by: MEANING) { nodes { signature failureType } } }',
    )
    expect(failureGroups.nodes).toEqual([
      { signature: scene.signatures[most], failureType: FAILURES[most][0] },
    ])
  })

  it('tell of two periods of equal length, and of runs by their last attempt', async () => {
    const scene = await Scene.of(
      1,
      ['a', 'b', 'c'],
      [
        { version: 1, scenario: 'a', day: 16, failures: ['late'] },
        { version: 1, scenario: 'b', day: 9, failures: ['late'] },
        { version: 1, scenario: 'b', day: 9, retryCount: 1 },
        { version: 1, scenario: 'c', day: 3, failures: ['late'] },
        { version: 1, scenario: 'c', day: 3, retryCount: 1 },
      ],
    )
    const { failureGroups } = await scene.data(
      '{ failureGroups { nodes { trend { failures previousFailures runs previousRuns } } } }',
    )
    expect(failureGroups.nodes).toEqual([
      { trend: { failures: 1, previousFailures: 1, runs: 0, previousRuns: 0 } },
    ])
  })

  it('are the same for the same failures, in whatever order they and their vectors came and went', async () => {
    const names = Object.keys(FAILURES) as Failure[]
    const runs = names.map(
      (name, day): Run => ({
        version: 1,
        scenario: 'a',
        day: day + 1,
        failures: [name],
        retryCount: day > 5 ? 1 : 0,
        repetition: 1 + (day % 3),
      }),
    )
    const scene = async () => {
      const made = await Scene.of(1, ['a', 'b'], [])
      await made.record(runs.map((run, n) => ({ ...run, scenario: n < 3 ? 'a' : 'b' })))
      return made
    }
    const groupsOf = async ({ tenant }: Scene) => {
      const { failureGroups } = await tenant.data(
        `{ failureGroups(by: MEANING, orderBy: {field: FAILURE_TYPE}) { nodes { groupId label signatures signatureList { nodes { signature centrality } } } } }`,
      )
      return failureGroups.nodes
    }
    const once = await scene()
    await once.embed()
    await once.group()
    const expected = await groupsOf(once)
    expect(expected.length).toBe(6)
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(names, { minLength: names.length }),
        fc.array(
          fc.record({
            name: fc.constantFrom(...names),
            angle: fc.option(fc.constantFrom(0, 30, 200), { nil: null }),
          }),
          { maxLength: 6 },
        ),
        fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
        async (order, detours, grouped) => {
          const other = await scene()
          const steps = [
            ...order.slice(0, 3).map((name) => () => other.embed([name])),
            // Other vectors for a while, or none any more.
            ...detours.map(
              ({ name, angle }) =>
                () =>
                  giveVectors(both.arc, other.tenant, {
                    [other.signatures[name]]: angle === null ? null : at(angle),
                  }),
            ),
            ...order.map((name) => () => other.embed([name])),
          ]
          for (const [n, step] of steps.entries()) {
            await step()
            if (grouped[n % grouped.length]) await other.group()
          }
          await other.group()
          expect(await groupsOf(other)).toEqual(expected)
        },
      ),
      { numRuns: 6 },
    )
  }, 120_000)

  it('are of one check or kind where somebody named one, and of any where nobody did', async () => {
    const scene = await Scene.of(
      1,
      ['a'],
      [
        {
          version: 1,
          scenario: 'a',
          day: 1,
          failures: ['late', 'regex', 'json', 'named', 'unnamed', 'policy'],
        },
      ],
    )
    await scene.embed()
    await scene.group()
    expect(await scene.groups()).toEqual([['json'], ['late', 'unnamed'], ['named'], ['policy'], ['regex']])
  })

  it('lose what has no vector any more', async () => {
    const scene = await Scene.of(
      1,
      ['a'],
      [{ version: 1, scenario: 'a', day: 1, failures: ['late', 'slow', 'hung'] }],
    )
    await scene.embed()
    await scene.group()
    expect(await scene.groups()).toEqual([['hung', 'late', 'slow']])
    await giveVectors(both.arc, scene.tenant, { [scene.signatures.slow]: null })
    await scene.group()
    expect(await scene.groups()).toEqual([['hung', 'late'], ['slow']])
    await giveVectors(both.arc, scene.tenant, {
      [scene.signatures.late]: null,
      [scene.signatures.hung]: null,
    })
    await scene.group()
    const { failureGrouping } = await scene.data('{ failureGrouping { state model grouped } }')
    expect(failureGrouping).toEqual({ state: 'NO_VECTORS', model: null, grouped: 0 })
  })

  it('are as the last one found them who read all vectors, whoever is slower', async () => {
    const scene = await Scene.of(
      1,
      ['a'],
      [{ version: 1, scenario: 'a', day: 1, failures: ['late', 'slow', 'hung'] }],
    )
    await scene.embed()
    await groupNow(both.arc, undefined, async ({ text, values }) => {
      if (!text.includes('/* keepFailureGroups */') || !values.includes(scene.tenant.tenantId)) return
      await scene.embed(['late'])
      await giveVectors(both.arc, scene.tenant, { [scene.signatures.late]: at(200) })
      await groupNow(both.arc)
    })
    await scene.group()
    expect(await scene.groups()).toEqual([['hung', 'slow'], ['late']])
  })

  it('are whole where more failures came than one step compares', async () => {
    const scene = await Scene.of(1, ['a'], [])
    const letter = (n: number) => String.fromCharCode(97 + n)
    const types = Array.from(
      { length: 130 },
      (_, n) => `Error_${letter(Math.floor(n / 13))}${letter(n % 13)}`,
    )
    const { storedCount } = await scene.tenant.record(
      [0, 50, 100].map((from, nth) => ({
        simulationId: scene.simulations[0],
        scenarioId: 'a',
        repetition: nth + 1,
        status: 'ERROR',
        failurePatterns: types
          .slice(from, from + 50)
          .map((failureType) => ({ failureType, errorMessage: 'x' })),
      })),
    )
    expect(storedCount).toBe(3)
    const read =
      '{ failureGroups(by: MEANING, first: 100) { totalCount nodes { signatures } } failurePatterns(first: 200) { nodes { signature } } }'
    const { failurePatterns } = await scene.data(read)
    await giveVectors(
      both.arc,
      scene.tenant,
      Object.fromEntries(failurePatterns.nodes.map(({ signature }: any) => [signature, at(0)])),
    )
    await scene.group()
    expect((await scene.data(read)).failureGroups).toEqual({ totalCount: 1, nodes: [{ signatures: 130 }] })
  })

  it('are by vectors of the model that came last, of two that have as many', async () => {
    const scene = await Scene.of(
      1,
      ['a'],
      [{ version: 1, scenario: 'a', day: 1, failures: ['late', 'slow'] }],
    )
    await scene.embed()
    const model = `openai:${randomUUID()} failure#1`
    await changeFailureGrouping(both.arc.adminUrl, { model, leastSimilarity: 0.4, leastMean: 0.25 })
    await scene.embed(['late', 'slow'], model)
    await scene.group()
    const { failureGrouping } = await scene.data('{ failureGrouping { model } }')
    expect(failureGrouping).toEqual({ model })
  })

  it.each([
    [
      'ValueError',
      'Traceback (most recent call last):\n  File "a.py", line 3, in f\n    x()\nValueError: no order 17',
      'ValueError: no order …',
    ],
    [
      'Boom',
      'see https://example.org/x?y=1 of 123e4567-e89b-12d3-a456-426614174000 by abc123def',
      'Boom: see … of … by …',
    ],
    ['Boom', ' at 12:30:05,\nand more', 'Boom: at …,'],
  ])(
    'are labelled by what is said first, without what differs each time: %s',
    async (failureType, errorMessage, label) => {
      const scene = await Scene.of(1, ['a'], [])
      await scene.tenant.record([
        {
          simulationId: scene.simulations[0],
          scenarioId: 'a',
          status: 'ERROR',
          failurePatterns: [{ failureType, errorMessage }],
        },
      ])
      const { failureGroups } = await scene.data('{ failureGroups { nodes { label } } }')
      expect(failureGroups.nodes).toEqual([{ label }])
    },
  )

  it('are whole whoever was at it: a server that died before it kept them, and several at a time', async () => {
    const scene = await Scene.of(
      1,
      ['a', 'b'],
      [{ version: 1, scenario: 'a', day: 1, failures: ['late', 'slow', 'hung'] }],
    )
    const { tenantId } = scene.tenant
    await scene.embed()
    for (const at of ['linkFailures', 'linkedFailures', 'keepFailureGroups']) {
      const dying = groupNow(both.arc, undefined, ({ text, values }) => {
        if (text.includes(`/* ${at} */`) && values.includes(tenantId)) throw new Error('killed')
      })
      await expect(dying).rejects.toThrow('killed')
      expect(await scene.groups()).toEqual([['hung'], ['late'], ['slow']])
    }
    await scene.group()
    expect(await scene.groups()).toEqual([['hung', 'late', 'slow']])

    await scene.record([{ version: 1, scenario: 'b', day: 1, failures: ['denied', 'regex', 'json'] }])
    await scene.embed(['denied', 'regex', 'json'])
    await Promise.all([groupNow(both.arc), groupNow(both.arc), groupNow(both.arc)])
    await scene.group()
    expect(await scene.groups()).toEqual([['denied'], ['hung', 'late', 'slow'], ['json'], ['regex']])
  })

  it('are by vectors of one calibrated model: the other one’s all at once', async () => {
    const scene = await Scene.of(
      1,
      ['a'],
      [{ version: 1, scenario: 'a', day: 1, failures: ['late', 'slow', 'denied'] }],
    )
    const grouping = async () => {
      const { failureGrouping } = await scene.data(
        '{ failureGrouping { state model signatures grouped pending groupedAt } }',
      )
      const { groupedAt, ...rest } = failureGrouping
      expect(groupedAt === null).toBe(rest.model === null)
      return rest
    }
    expect(await grouping()).toEqual({
      state: 'NO_VECTORS',
      model: null,
      signatures: 3,
      grouped: 0,
      pending: false,
    })
    await scene.embed(['late', 'slow', 'denied'], 'openai:other failure#1')
    await scene.group()
    expect(await grouping()).toEqual({
      state: 'NOT_CALIBRATED',
      model: null,
      signatures: 3,
      grouped: 0,
      pending: false,
    })
    expect(await scene.groups()).toEqual([['denied'], ['late'], ['slow']])
    await scene.embed(['late', 'slow'])
    expect(await grouping()).toMatchObject({ state: 'NOT_YET', pending: true })
    await scene.group()
    expect(await grouping()).toEqual({
      state: 'GROUPED',
      model: CALIBRATED,
      signatures: 3,
      grouped: 2,
      pending: false,
    })

    // A rebuild by a model that sees it otherwise.
    const next = `openai:${randomUUID()} failure#1`
    await changeFailureGrouping(both.arc.adminUrl, { model: next, leastSimilarity: 0.4, leastMean: 0.25 })
    await giveVectors(both.arc, scene.tenant, { [scene.signatures.late]: at(0) }, next)
    await scene.group()
    expect(await scene.groups()).toEqual([['denied'], ['late', 'slow']])
    await giveVectors(
      both.arc,
      scene.tenant,
      { [scene.signatures.slow]: at(180), [scene.signatures.denied]: at(5) },
      next,
    )
    expect(await scene.groups()).toEqual([['denied'], ['late', 'slow']])
    await scene.group()
    expect(await scene.groups()).toEqual([['denied', 'late'], ['slow']])
    expect(await grouping()).toEqual({
      state: 'GROUPED',
      model: next,
      signatures: 3,
      grouped: 3,
      pending: false,
    })

    // Nothing is kept of what is shown no more.
    const { rows } = await both.arc.sql('admin', (client) =>
      client.query('select distinct model from store.failure_nodes where user_id = $1', [
        scene.tenant.tenantId,
      ]),
    )
    expect(rows).toEqual([{ model: next }])

    // Five degrees are too much now.
    const strict = { model: next, leastSimilarity: 0.999, leastMean: 0.999 }
    expect(await changeFailureGrouping(both.arc.adminUrl, strict)).toContainEqual(strict)
    await scene.group()
    expect(await scene.groups()).toEqual([['denied'], ['late'], ['slow']])
  })

  it.each([
    ['denied', true],
    ['unnamed', true],
    ['unnamed', false],
  ] as const)(
    'hold what is beyond the core, also when it comes into it: with %s, later: %s',
    async (other, isCoreLater) => {
      const scene = await Scene.of(
        1,
        ['a'],
        [{ version: 1, scenario: 'a', day: 1, failures: ['late', 'slow', 'hung', other] }],
      )
      const sorted = (Object.keys(scene.signatures) as Failure[]).sort((one, other) =>
        scene.signatures[one] < scene.signatures[other] ? -1 : 1,
      )
      const parts = [sorted.slice(2), sorted.slice(0, 2)]
      for (const part of isCoreLater ? parts : parts.reverse()) {
        await scene.embed(part)
        await scene.group(2)
      }
      // The first two are what others join.
      const angle = (name: Failure) => FAILURES[name][2]
      const cosine = (one: Failure, other: Failure) => Math.cos(((angle(one) - angle(other)) * Math.PI) / 180)
      const [first, second] = sorted as [Failure, Failure]
      const cores = cosine(first, second) >= 0.4 ? [[first, second]] : [[first], [second]]
      const expected = cores.map((members) => [...members])
      for (const name of sorted.slice(2)) {
        const means = cores.map(
          (members) =>
            members.reduce((sum, each) => sum + (cosine(name, each) >= 0.4 ? cosine(name, each) : 0), 0) /
            members.length,
        )
        const most = Math.max(...means)
        const near = most >= 0.25 ? means.indexOf(most) : -1
        if (near < 0) expected.push([name])
        else expected[near]!.push(name)
      }
      const inOrder = (groups: string[][]) => groups.map((members) => [...members].sort()).sort()
      expect(await scene.groups()).toEqual(inOrder(expected))
      await giveVectors(both.arc, scene.tenant, {
        [scene.signatures[first]]: null,
        [scene.signatures[second]]: null,
      })
      await scene.group(2)
      const [third, fourth] = sorted.slice(2) as [Failure, Failure]
      const left = cosine(third, fourth) >= 0.4 ? [[third, fourth]] : [[third], [fourth]]
      expect(await scene.groups()).toEqual(inOrder([...left, [first], [second]]))
    },
  )

  it('refuse what makes no sense', async () => {
    const scene = await Scene.of(1, ['a'], [{ version: 1, scenario: 'a', day: 1, failures: ['late'] }])
    const { errors } = await scene.tenant.ask('{ failureGroups { nodes { trend(days: 367) { runs } } } }')
    expect(errors).toMatchObject([
      { message: 'days is 367, but must be 1 to 366.', extensions: { code: 'BAD_USER_INPUT' } },
    ])
  })
})

describe('notes of failure groups', () => {
  const NOTE = 'groupNoteId signature note resolutionSteps author'
  const mutate = async (scene: Scene, field: string, input: object, role?: Parameters<Tenant['ask']>[2]) => {
    const type = `${field[0]!.toUpperCase()}${field.slice(1)}Input!`
    const { data, errors } = await scene.tenant.ask(
      `mutation ($input: ${type}) { ${field}(input: $input) { note { ${NOTE} } errors { code message path } } }`,
      { input },
      role,
    )
    return errors ? { codes: errors.map(({ extensions }) => extensions.code) } : data[field]
  }

  it('show on the group and on each of its patterns, wherever they were written, and are audited', async () => {
    const scene = await Scene.of(
      1,
      ['a'],
      [{ version: 1, scenario: 'a', day: 1, failures: ['late', 'slow', 'hung', 'denied'] }],
    )
    const { signatures } = scene
    await scene.embed()
    await scene.group()
    const shown = async () => {
      const { failurePatterns, failureGroups } = await scene.data(
        `{ failurePatterns { nodes { failureType knownResolutionSteps resolutionSteps groupNotes { nodes { note } } } }
          failureGroups(by: MEANING) { nodes { notes { totalCount nodes { ${NOTE} } } } } }`,
      )
      return {
        patterns: Object.fromEntries(
          failurePatterns.nodes.map((each: any) => [
            each.failureType,
            [each.groupNotes.nodes.map(({ note }: any) => note).join(), each.knownResolutionSteps],
          ]),
        ),
        groups: failureGroups.nodes.map(({ notes }: any) => notes.nodes.map(({ note }: any) => note)),
      }
    }
    // The nearest to the others is `slow`.
    const first = await mutate(scene, 'noteFailureGroup', {
      groupId: signatures.hung,
      note: ' The booking service. ',
      resolutionSteps: 'Restart it.',
    })
    expect(first).toEqual({
      note: {
        groupNoteId: expect.any(String),
        signature: signatures.slow,
        note: 'The booking service.',
        resolutionSteps: 'Restart it.',
        author: 'actor of app_user',
      },
      errors: [],
    })
    const second = await mutate(scene, 'noteFailureGroup', { signature: signatures.late, note: 'Only so.' })
    expect(second.note).toMatchObject({ signature: signatures.late, resolutionSteps: null })
    const written = ['Only so.,The booking service.', 'Restart it.']
    expect(await shown()).toEqual({
      patterns: { TimeoutError: written, SlowAnswer: written, Hung: written, PermissionError: ['', null] },
      groups: [['Only so.', 'The booking service.'], []],
    })
    const { groupNoteId } = first.note
    expect(
      await mutate(scene, 'editFailureGroupNote', { groupNoteId, note: 'It again.' }, 'app_admin'),
    ).toMatchObject({
      note: { note: 'It again.', resolutionSteps: null, author: 'actor of app_user' },
    })
    // Groups that part keep what lies on their members.
    await giveVectors(both.arc, scene.tenant, { [signatures.late]: at(200) })
    await scene.group()
    expect((await shown()).patterns).toEqual({
      TimeoutError: ['Only so.', null],
      SlowAnswer: ['It again.', null],
      Hung: ['It again.', null],
      PermissionError: ['', null],
    })
    expect(await mutate(scene, 'deleteFailureGroupNote', { groupNoteId })).toEqual({ note: null, errors: [] })
    const { failureGroupNotes, auditLog } = await scene.data(
      `{ failureGroupNotes { totalCount nodes { note } }
        auditLog(filter: { tableName: { eq: "failure_group_notes" } }) { nodes { operation actorId } } }`,
    )
    expect(failureGroupNotes).toEqual({ totalCount: 1, nodes: [{ note: 'Only so.' }] })
    expect(auditLog.nodes.map(({ operation, actorId }: any) => `${operation} ${actorId}`)).toEqual([
      'DELETE actor of app_user',
      'UPDATE actor of app_admin',
      'INSERT actor of app_user',
      'INSERT actor of app_user',
    ])
  })

  it('have the latest steps, and the author whoever changes them', async () => {
    const scene = await Scene.of(
      1,
      ['a'],
      [{ version: 1, scenario: 'a', day: 1, failures: ['late', 'slow'] }],
    )
    await scene.embed()
    await scene.group()
    for (const [name, resolutionSteps] of [
      ['late', 'Restart it.'],
      ['slow', 'Call them.'],
      ['late', null],
    ] as const)
      await mutate(scene, 'noteFailureGroup', {
        signature: scene.signatures[name],
        note: 'x',
        resolutionSteps,
      })
    const { failurePatterns } = await scene.data('{ failurePatterns { nodes { knownResolutionSteps } } }')
    expect(failurePatterns.nodes).toEqual(Array(2).fill({ knownResolutionSteps: 'Call them.' }))
    await sqlAs(both.arc, 'app_user', scene.tenant, async (run) => {
      expect(await run("update failure_group_notes set author = 'another'")).toMatchObject({ code: '42501' })
    })
  })

  it('are refused in words', async () => {
    const scene = await Scene.of(1, ['a'], [{ version: 1, scenario: 'a', day: 1, failures: ['late'] }])
    const { late: signature } = scene.signatures
    const note = 'x'
    const table: [string, object, string][] = [
      ['noteFailureGroup', { note }, 'BAD_USER_INPUT'],
      ['noteFailureGroup', { note, signature, groupId: signature }, 'BAD_USER_INPUT'],
      ['noteFailureGroup', { note, signature: 'f'.repeat(32) }, 'FAILURE_NOT_FOUND'],
      ['noteFailureGroup', { note, groupId: '' }, 'FAILURE_NOT_FOUND'],
      ['noteFailureGroup', { note: ' ', signature }, 'INVALID_VALUE'],
      ['noteFailureGroup', { note, signature, resolutionSteps: 'x'.repeat(10_001) }, 'INVALID_VALUE'],
      ['editFailureGroupNote', { groupNoteId: randomUUID(), note }, 'NOTE_NOT_FOUND'],
      ['deleteFailureGroupNote', { groupNoteId: randomUUID() }, 'NOTE_NOT_FOUND'],
    ]
    for (const [field, input, code] of table)
      expect((await mutate(scene, field, input)).errors, JSON.stringify(input)).toMatchObject([{ code }])
    for (const role of ['app_readonly', 'app_ingest'] as const)
      expect(await mutate(scene, 'noteFailureGroup', { note, signature }, role)).toEqual({
        codes: ['FORBIDDEN'],
      })
    const other = await Scene.of(1, ['a'], [])
    other.signatures.late = signature
    expect((await mutate(other, 'noteFailureGroup', { note, signature })).errors).toMatchObject([
      { code: 'FAILURE_NOT_FOUND' },
    ])
  })
})
