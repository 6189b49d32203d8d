import { ClientError, GraphQLClient, gql } from 'graphql-request'
import { describe, expect, it } from 'vitest'
import { type Tenant, useArc } from '../support/arc.ts'

const arc = useArc()

const clientOf = async (tenant: Tenant, method: 'GET' | 'POST' = 'POST') =>
  new GraphQLClient(arc.url, { method, headers: { authorization: `Bearer ${await tenant.token()}` } })

const NAMES = gql`
  query Names($first: Int) {
    configurations(first: $first) {
      nodes {
        name
      }
    }
  }
`

describe('graphql-request', () => {
  it('changes and asks, by POST and by GET', async () => {
    const tenant = arc.tenant()
    const client = await clientOf(tenant)
    const { createConfiguration } = await client.request<any>(
      gql`
        mutation ($input: CreateConfigurationInput!) {
          createConfiguration(input: $input) {
            configuration {
              name
            }
            errors {
              code
            }
          }
        }
      `,
      { input: { name: 'made by graphql-request', yaml: 'model: m\n' } },
    )
    expect(createConfiguration).toEqual({ configuration: { name: 'made by graphql-request' }, errors: [] })
    for (const asking of [client, await clientOf(tenant, 'GET')]) {
      expect(await asking.request(NAMES, { first: 5 })).toEqual({
        configurations: { nodes: [{ name: 'made by graphql-request' }] },
      })
    }
  })

  it.each([
    ['a wrong value', { first: -1 }, undefined, 'BAD_USER_INPUT'],
    ['no token', { first: 1 }, { authorization: '' }, 'UNAUTHENTICATED'],
  ])('throws with the code for %s', async (_, variables, headers, code) => {
    const client = await clientOf(arc.tenant())
    const error = await client.request(NAMES, variables, headers).catch((reason) => reason)
    expect(error).toBeInstanceOf(ClientError)
    expect(error.response.errors.map(({ extensions }: any) => extensions.code)).toEqual([code])
  })
})
