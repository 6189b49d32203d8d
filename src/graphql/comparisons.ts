import { setImmediate } from 'node:timers/promises'
import { comparisonOf } from '../evaluation/configurations/comparedVersions.ts'
import type { ConfigComparison } from '../evaluation/configurations/configDiff.ts'
import { Refusal } from '../refusal.ts'
import { type Context, oncePerOperation } from './builder/context.ts'

/** Of two texts of 1 MiB the longest comparison takes a second and a half, so an operation makes some of them. */
const CHARACTERS_PER_COST = 100

/** What one operation compares; its size is known only once it is read. */
class Comparisons {
  readonly #context: Context
  readonly #pairs = new Map<string, Promise<ConfigComparison | null>>()
  #before: Promise<unknown> = Promise.resolve()
  #spent = 0

  constructor(context: Context) {
    this.#context = context
  }

  /**
   * The same for all aliases; null when this tenant has not both versions. `pair`: their keys; `read`: what
   * comparedVersionsSource reads of them.
   *
   * @throws Refusal TOO_LARGE when they are larger than the operation may still compare.
   */
  of(pair: string, read: () => Promise<string>): Promise<ConfigComparison | null> {
    const comparison = this.#pairs.get(pair) ?? this.#compare(read)
    this.#pairs.set(pair, comparison)
    return comparison
  }

  async #compare(read: () => Promise<string>): Promise<ConfigComparison | null> {
    const comparison = comparisonOf(await read())
    if (comparison) {
      const characters = comparison.before.rawYaml.length + comparison.after.rawYaml.length
      this.#spend(Math.ceil(characters / CHARACTERS_PER_COST))
    }
    return comparison
  }

  #spend(cost: number): void {
    const { limit } = this.#context.cost
    this.#spent += cost
    if (this.#spent > limit)
      throw new Refusal(
        'TOO_LARGE',
        `The texts, lines and changes of these diffs cost more than ${limit} (ARC_MAX_COST): request fewer, or unifiedDiff.`,
      )
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
    return this.inTurn(() => {
      this.#spend(0)
      const items = work()
      this.#spend(lengthOf(items))
      return items
    })
  }
}

export const comparisonsOf = oncePerOperation((context) => new Comparisons(context))
