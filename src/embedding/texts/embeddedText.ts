/** A way to say a thing in the words that are embedded. Pure: the same thing gives the same text. */
export interface EmbeddedText<Thing> {
  readonly kind: 'failure' | 'trajectory' | 'scenario' | 'configuration'
  /** Counts up with every change of what the text says: vectors of different versions must not be compared. */
  readonly version: number
  /** Empty where the thing says nothing that could be embedded. */
  of(thing: Thing): string
}

/** What is stored with a vector: who made it, and of which text. Only vectors of equal names may be compared. */
export function storedModel(model: string, { kind, version }: Pick<EmbeddedText<never>, 'kind' | 'version'>) {
  return `${model} ${kind}#${version}`
}
