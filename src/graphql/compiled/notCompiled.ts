/** Why a field of the root is answered by its resolvers. */
export class NotCompiled extends Error {
  /** The field that does not say how it is read in a statement, as `Type.field`. */
  readonly reason: string

  constructor(reason: string) {
    super(`${reason} is answered by its resolver`)
    this.reason = reason
  }
}
