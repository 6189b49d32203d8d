declare module 'pg/lib/utils.js' {
  /** A value as the text that the database takes for it. */
  export function prepareValue(value: unknown): string | Buffer | null
}
