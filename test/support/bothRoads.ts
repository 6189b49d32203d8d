import { expect } from 'vitest'
import { type Answer, type Arc, type Tenant, useArc } from './arc.ts'

/** Two servers of the tests' database: `arc` answers queries by statements, the other one by resolvers. */
export function useBothRoads(): {
  arc: Arc
  /** What both say to a query of one field of the root; by `arc` with one statement where it is not refused. */
  ask(tenant: Tenant, query: string, variables?: object): Promise<Answer>
  /** Its data, where it has to go well. */
  data(tenant: Tenant, query: string, variables?: object): Promise<any>
} {
  // What jobs ask is no statement of an operation.
  const arc = useArc({ ARC_JOBS: 'off', ARC_COMPILED_READS: 'on' })
  const byResolvers = useArc({ ARC_JOBS: 'off', ARC_COMPILED_READS: 'off' })
  const ask = async (tenant: Tenant, query: string, variables: object = {}) => {
    const token = await tenant.token()
    let answer!: Answer
    const statements = await arc.statementsDuring(async () => {
      answer = await arc.post({ query, variables }, token)
    })
    const resolved = await byResolvers.post({ query, variables }, token)
    const shown = ({ data, errors }: Answer) => ({
      data,
      errors: errors?.map(({ message, path, extensions }) => ({ message, path, code: extensions.code })),
    })
    expect(shown(resolved)).toEqual(shown(answer))
    if (!answer.errors) {
      expect(statements.filter((text) => text.includes('/* answer */'))).toHaveLength(1)
      // Besides the settings; until a connection has shown its session, BEGIN and COMMIT.
      expect(statements.length, statements.join('\n')).toBeLessThanOrEqual(4)
    }
    return answer
  }
  return {
    arc,
    ask,
    data: async (tenant, query, variables) => {
      const { data, errors } = await ask(tenant, query, variables)
      expect(errors).toBeUndefined()
      return data
    },
  }
}
