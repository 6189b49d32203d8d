// Parts of pg that have no types of their own. The version of pg is pinned; test/database/readPacket.test.ts looks at what is used.

declare module 'pg/lib/utils.js' {
  /** A value as the text that the database takes for it. */
  export function prepareValue(value: unknown): string | Buffer | null
}

declare module 'pg-protocol/dist/parser.js' {
  export interface Message {
    name: string
  }

  export class Parser {
    parse(chunk: Buffer, onMessage: (message: Message) => void): void
    /** `length`: of the message with these four bytes; `offset`: where it begins behind them. */
    handlePacket(offset: number, code: number, length: number, bytes: Buffer): Message
  }
}
