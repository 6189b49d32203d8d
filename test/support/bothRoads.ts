import { getOperationAST, parse } from 'graphql'
import { expect } from 'vitest'
import { type Answer, type Arc, type Tenant, useArc } from './arc.ts'
import { EXTENSION_OF_THIS_RUN, useOwnDatabase } from './ownDatabase.ts'

// What jobs ask is no statement of an operation.
const STATEMENTS = { ARC_JOBS: 'off', ARC_COMPILED_READS: 'on' }
const RESOLVERS = { ARC_JOBS: 'off', ARC_COMPILED_READS: 'off' }

/** Two servers of one database, of which one answers queries by statements and the other by resolvers. */
class BothRoads {
  readonly #servers: readonly Arc[]

  /** Filled when the tests begin. */
  constructor(servers: readonly Arc[]) {
    this.#servers = servers
  }

  /** The one with statements. */
  get arc(): Arc {
    return this.#servers[0]!
  }

  /** What both say to a query; one statement for each field of its root, where it is not refused, but for so many that read too much for one. */
  async ask(tenant: Tenant, query: string, variables: object = {}, tooLarge = 0): Promise<Answer> {
    const token = await tenant.token()
    let answer!: Answer
    const statements = await this.arc.statementsDuring(async () => {
      answer = await this.arc.post({ query, variables }, token)
    })
    const resolved = await this.#servers[1]!.post({ query, variables }, token)
    expect(shownBy(resolved)).toEqual(shownBy(answer))
    if (!answer.errors) {
      const fields = getOperationAST(parse(query))!.selectionSet.selections.length
      expect(statements.filter((text) => text.includes('/* answer */'))).toHaveLength(fields - tooLarge)
      // Besides the settings, and the time that is left; until a connection has shown its session, BEGIN and COMMIT.
      if (tooLarge === 0) expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(2 * fields + 2)
    }
    return answer
  }

  /** Its data, where it has to go well. */
  async data(tenant: Tenant, query: string, variables?: object, tooLarge?: number): Promise<any> {
    const { data, errors } = await this.ask(tenant, query, variables, tooLarge)
    expect(errors).toBeUndefined()
    return data
  }
}

const shownBy = ({ data, errors }: Answer) => ({
  data,
  errors: errors?.map(({ message, path, extensions: { code } }) => ({ message, path, code })),
})

/** On the tests' common database. */
export function useBothRoads(): BothRoads {
  return new BothRoads([useArc(STATEMENTS), useArc(RESOLVERS)])
}

/** On one of their own: see useOwnDatabase. */
export function useBothRoadsAlone(): BothRoads {
  return new BothRoads(useOwnDatabase(EXTENSION_OF_THIS_RUN, [STATEMENTS, RESOLVERS]).servers)
}
