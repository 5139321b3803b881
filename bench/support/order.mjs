// The body of the JSON benchmarks: an order as an API gets it.

/** An order whose JSON is exactly `length` bytes long, as JSON.stringify writes it. */
export function orderJson(length) {
  const order = { id: 48_151_623, customer: 'c-20417', currency: 'EUR', express: true, items: [], note: '' };
  const item = (index) => ({ sku: `SKU-${1000 + index}`, quantity: (index % 5) + 1, price: 9.95 + index });
  while (JSON.stringify({ ...order, items: [...order.items, item(order.items.length)] }).length <= length) {
    order.items.push(item(order.items.length));
  }
  order.note = 'x'.repeat(length - JSON.stringify(order).length);
  return Buffer.from(JSON.stringify(order));
}
