import { setImmediate } from 'node:timers/promises'
import { type ComparedVersion, ConfigComparison } from '../evaluation/configurations/configDiff.ts'
import type { JsonObject } from '../json.ts'
import { Refusal } from '../refusal.ts'
import { type Context, oncePerOperation } from './builder/context.ts'

/** What one operation compares. */
class Comparisons {
  readonly #context: Context
  readonly #pairs = new Map<string, Promise<ConfigComparison | null>>()
  #before: Promise<unknown> = Promise.resolve()
  #shown = 0

  constructor(context: Context) {
    this.#context = context
  }

  /** The same for all aliases; null when this tenant has not both versions. */
  of(before: string, after: string): Promise<ConfigComparison | null> {
    const pair = `${before} ${after}`
    const comparison = this.#pairs.get(pair) ?? compare(this.#context, before, after)
    this.#pairs.set(pair, comparison)
    return comparison
  }

  /** One piece of work after the other, and between two of them everybody else has a turn. */
  inTurn<Result>(work: () => Result): Promise<Result> {
    const result = this.#before.then(() => setImmediate()).then(work)
    this.#before = result.catch(() => {})
    return result
  }

  /**
   * A list of which every part is an object of the answer: how many there are no estimate knows before.
   *
   * @throws Refusal TOO_LARGE when they are more than an operation may cost.
   */
  list<Item>(work: () => Item[], lengthOf = (items: Item[]) => items.length): Promise<Item[]> {
    const { limit } = this.#context.cost
    const show = (count: number) => {
      this.#shown += count
      if (this.#shown > limit)
        throw new Refusal(
          'TOO_LARGE',
          `These diffs have more than ${limit} lines and changes (ARC_MAX_COST): request fewer, or unifiedDiff.`,
        )
    }
    return this.inTurn(() => {
      show(0)
      const items = work()
      show(lengthOf(items))
      return items
    })
  }
}

export const comparisonsOf = oncePerOperation((context) => new Comparisons(context))

async function compare({ reads }: Context, before: string, after: string): Promise<ConfigComparison | null> {
  const versions = await reads.client.configVersion.findMany({
    where: { versionId: { in: [before, after] } },
    select: {
      versionId: true,
      versionNumber: true,
      rawYaml: true,
      parsedConfig: true,
      configuration: { select: { name: true } },
    },
  })
  const versionOf = (versionId: string): ComparedVersion | undefined => {
    const version = versions.find((candidate) => candidate.versionId === versionId)
    return (
      version && {
        ...version,
        parsedConfig: version.parsedConfig as JsonObject,
        label: `${version.configuration.name} ${version.versionNumber}`,
      }
    )
  }
  const [one, other] = [versionOf(before), versionOf(after)]
  return one && other ? new ConfigComparison(one, other) : null
}
