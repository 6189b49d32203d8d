import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { makeSqlLogin, revokeSqlLogin, type SqlLoginTerms } from '../../src/db/admin/sqlLogins.ts'
import type { Tenant } from './arc.ts'

/** What became of a statement of a person. */
interface SpokenAnswer {
  rows: Record<string, unknown>[]
  /** SQLSTATE, when it failed. */
  code: string | undefined
  /** Of the error, with its details, and of all notices meanwhile. */
  said: string
}

/** A person with SQL of their own, who reads one tenant. */
export class Analyst {
  readonly login = `arc_test_sql_${randomBytes(4).toString('hex')}`
  readonly url: string
  readonly #adminUrl: string
  readonly #clients = new Set<pg.Client>()

  private constructor(adminUrl: string) {
    this.#adminUrl = adminUrl
    const url = new URL(adminUrl)
    url.username = this.login
    url.password = 'secret'
    this.url = url.toString()
  }

  static async of(tenant: Tenant, adminUrl: string, terms: Partial<SqlLoginTerms> = {}): Promise<Analyst> {
    const analyst = new Analyst(adminUrl)
    await makeSqlLogin(adminUrl, 'a test', {
      tenantId: tenant.tenantId,
      login: analyst.login,
      password: 'secret',
      ...terms,
    })
    return analyst
  }

  /** A session; every statement is a transaction of its own. */
  async connect(): Promise<pg.Client> {
    const client = new pg.Client({ connectionString: this.url })
    client.on('error', () => {})
    await client.connect()
    this.#clients.add(client)
    return client
  }

  /** One session that says `statements`, whatever comes back. */
  async say(...statements: string[]): Promise<SpokenAnswer[]> {
    const client = await this.connect()
    try {
      return await sayOn(client, ...statements)
    } finally {
      await client.end()
      this.#clients.delete(client)
    }
  }

  /** What the last one of them is answered. */
  async answer(...statements: string[]): Promise<SpokenAnswer> {
    return (await this.say(...statements)).at(-1)!
  }

  async revoke(): Promise<void> {
    for (const client of this.#clients) await client.end()
    await revokeSqlLogin(this.#adminUrl, 'a test', this.login)
  }
}

/** The same in a session that is open. */
export async function sayOn(client: pg.Client, ...statements: string[]): Promise<SpokenAnswer[]> {
  const answers: SpokenAnswer[] = []
  for (const statement of statements) {
    const notices: string[] = []
    const hear = (notice: object) => notices.push(wordsOf(notice))
    client.on('notice', hear)
    try {
      const { rows } = await client.query(statement)
      answers.push({ rows, code: undefined, said: notices.join('\n') })
    } catch (error) {
      const { code } = error as pg.DatabaseError
      answers.push({
        rows: [],
        code: code ?? 'no SQLSTATE',
        said: [...notices, wordsOf(error as Error)].join('\n'),
      })
    }
    client.off('notice', hear)
  }
  return answers
}

function wordsOf(report: object): string {
  const { message, detail, hint, where } = report as pg.DatabaseError
  return [message, detail, hint, where].filter(Boolean).join(' ')
}
