/** Where a parcel goes. */
export interface Address {
  street: string;
  /** Two letters, as in ISO 3166. */
  country: string;
  postcode?: string;
}

export interface Card {
  kind: "card";
  /** @pattern ^[0-9]{4}$ */
  digits: string;
}

export interface Transfer {
  kind: "transfer";
  iban: string;
  reference: string | null;
}

/** What somebody buys. */
export interface Order {
  /** @format uuid */
  id: string;
  placed: Date;
  /** @minimum 1 @asType integer */
  amount: number;
  state: "new" | "paid" | "sent";
  address: Address;
  payment: Card | Transfer;
  tags: Record<string, string>;
  position?: [number, number];
  /** Of which this one is a part. */
  within?: Order;
}
