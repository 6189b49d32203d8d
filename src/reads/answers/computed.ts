import type { Answer } from '../../db/tenantTransaction.ts'
import type { Computation, ComputedPart, Source } from './parts.ts'

/*
The text that a statement selects is its answer, but for values that are computed of what it has read. In their place stands a
mark with the number of the part and the place that its expression gave, and behind the answer what they are computed of.
JSON escapes what parts these, so it is in no other place.
*/

const MARK = '\u001a'
/** Stands before the text of each source. */
export const SEPARATOR = '\u001d'

/** What of a statement's answer is computed: its parts, by their numbers, and their sources, in the order of their texts. */
export class Computed {
  readonly #parts: ComputedPart[] = []
  readonly #sources = new Map<Source, number>()

  /** What stands around the part's place. */
  add(part: ComputedPart): readonly [before: string, after: string] {
    const { source } = part.of
    if (source && !this.#sources.has(source)) this.#sources.set(source, this.#sources.size)
    return [`${MARK}${this.#parts.push(part) - 1}:`, MARK]
  }

  get isEmpty(): boolean {
    return this.#parts.length === 0
  }

  get sources(): Iterable<Source> {
    return this.#sources.keys()
  }

  /** The answer with all that is computed for it, one computation after the other. @throws whatever a computation does */
  async complete(read: Answer, operation: object): Promise<string> {
    const [answer = '', ...sources] = String(read).split(SEPARATOR)
    // Every second piece is what stands between two marks.
    const pieces = answer.split(MARK)
    const marked = pieces.flatMap((piece, at) => (at % 2 === 1 ? [{ at, ...this.#marked(piece) }] : []))
    const asked = new Map<Computation, Map<string, unknown>>()
    for (const { part, place } of marked) {
      const values = asked.get(part.of) ?? new Map<string, unknown>()
      asked.set(part.of, values.set(place, undefined))
    }
    for (const [computation, values] of asked) {
      const places = [...values.keys()]
      const { source } = computation
      const text = source ? sources[this.#sources.get(source)!]! : ''
      const made = await computation.values(places, text, operation)
      for (const [at, place] of places.entries()) values.set(place, made[at])
    }
    for (const { at, part, place } of marked) pieces[at] = part.json(asked.get(part.of)!.get(place))
    return pieces.join('')
  }

  #marked(piece: string): { part: ComputedPart; place: string } {
    const end = piece.indexOf(':')
    return { part: this.#parts[Number(piece.slice(0, end))]!, place: piece.slice(end + 1) }
  }
}
