import SchemaBuilder from '@pothos/core'
import PrismaPlugin from '@pothos/plugin-prisma'
import RelayPlugin from '@pothos/plugin-relay'
import type { Prisma, PrismaClient } from '../../db/generated/client.ts'
import type PrismaTypes from '../../db/generated/pothos.ts'
import { getDatamodel } from '../../db/generated/pothos.ts'
import type { JsonObject, JsonValue } from '../../json.ts'
import { MAX_PAGE_SIZE } from '../../reads/pagePlan.ts'
import type { Context } from './context.ts'
import { decodeGlobalId, readNode, readNodes } from './globalId.ts'
import type { InputBounds } from './inputBounds.ts'

/** As many as a page has rows. */
const NODE_IDS = { bounds: { entries: MAX_PAGE_SIZE } satisfies InputBounds }

/** No types are defined here: each has a file of its own. */
export const builder = new SchemaBuilder<{
  PrismaTypes: PrismaTypes
  Context: Context
  DefaultFieldNullability: false
  DefaultEdgesNullability: false
  DefaultNodeNullability: false
  Scalars: {
    ID: { Input: string; Output: string | number }
    DateTime: { Input: Date; Output: Date }
    JSON: { Input: JsonValue; Output: Prisma.JsonValue | JsonValue }
    JSONObject: { Input: JsonObject; Output: Prisma.JsonValue | JsonObject }
    SafeInt: { Input: number; Output: number | bigint }
    UUID: { Input: string; Output: string }
    Usd: { Input: number; Output: Prisma.Decimal | number }
  }
}>({
  plugins: [PrismaPlugin, RelayPlugin],
  defaultFieldNullability: false,
  relay: {
    decodeGlobalID: decodeGlobalId,
    nodeTypeOptions: { description: 'An object with a global id.' },
    idFieldOptions: { description: 'Its global id, for `node` and for caches.' },
    nodeQueryOptions: {
      description: 'Any object by its global id; null when this tenant has none.',
      extensions: { read: readNode },
      args: { id: { description: 'Its global id.' } },
    },
    nodesQueryOptions: {
      description:
        'Several objects by their global ids, in the same order; null for each that this tenant lacks.',
      extensions: { read: readNodes },
      args: { ids: { description: 'Their global ids, at most 500.', extensions: NODE_IDS } },
    },
  },
  prisma: {
    // It lacks what begins and ends a transaction, of which Pothos calls nothing.
    client: (context) => context.reads.client as PrismaClient,
    dmmf: getDatamodel(),
    onUnusedQuery: null,
  },
})

builder.queryType({ description: 'The query root. Everything is read as the tenant of the token.' })
builder.mutationType({
  description:
    'The mutation root. Expected failures are in the payload’s `errors`; in that case nothing was stored.',
})
builder.subscriptionType({
  description: 'The subscription root, over WebSocket (graphql-transport-ws) or server-sent events.',
})
