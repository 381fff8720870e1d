import { z } from "zod";

const Address = z.strictObject({
  street: z.string(),
  country: z.string().length(2).describe("Two letters, as in ISO 3166."),
  postcode: z.string().optional(),
}).meta({ id: "Address", description: "Where a parcel goes." });

const Card = z.strictObject({ kind: z.literal("card"), digits: z.string().regex(/^[0-9]{4}$/) }).meta({ id: "Card" });

const Transfer = z.strictObject({
  kind: z.literal("transfer"),
  iban: z.string(),
  reference: z.string().nullable(),
}).meta({ id: "Transfer" });

const Order = z.strictObject({
  id: z.uuid(),
  placed: z.iso.datetime(),
  amount: z.int().min(1),
  state: z.enum(["new", "paid", "sent"]).default("new"),
  address: Address,
  payment: z.discriminatedUnion("kind", [Card, Transfer]),
  tags: z.record(z.string(), z.string()),
  position: z.tuple([z.number(), z.number()]).optional(),
  get within() { return Order.optional().describe("Of which this one is a part."); },
}).meta({ id: "Order", description: "What somebody buys." });

console.log(JSON.stringify(z.toJSONSchema(Order, { io: process.argv[2] ?? "output" }), null, 2));
