import { useState } from 'react';
import { useAddOrder, useDeleteOrder, useOrders } from './orders.js';

export function App() {
  const add = useAddOrder();
  const remove = useDeleteOrder();
  const failed = add.error ?? remove.error;
  return (
    <main>
      <h1>Orders</h1>
      <p className="about">What you order is sealed from this page to the route of the server.</p>
      <NewOrder onOrder={(item) => add.mutate({ id: crypto.randomUUID(), item })} />
      {failed && <Problem error={failed} />}
      <OrderList onDelete={remove.mutate} />
    </main>
  );
}

function NewOrder({ onOrder }) {
  const [item, setItem] = useState('');
  const submit = (event) => {
    event.preventDefault();
    onOrder(item.trim());
    setItem('');
  };
  return (
    <form onSubmit={submit}>
      <input
        aria-label="What would you like?"
        placeholder="What would you like?"
        required
        value={item}
        onChange={(event) => setItem(event.target.value)}
      />
      <button type="submit">Order</button>
    </form>
  );
}

function OrderList({ onDelete }) {
  const { data: orders, error, isPending } = useOrders();
  if (isPending) return <p role="status">Loading …</p>;
  return (
    <>
      {error && <Problem error={error} />}
      {orders?.length === 0 && <p role="status">Nothing ordered yet.</p>}
      <ul>
        {orders?.map((order) => (
          <li key={order.id} className={order.sending ? 'sending' : undefined}>
            <span>{order.item}</span>
            <button
              type="button"
              aria-label={`Delete ${order.item}`}
              disabled={order.sending}
              onClick={() => onDelete(order)}
            >
              ✕
            </button>
          </li>
        ))}
      </ul>
    </>
  );
}

function Problem({ error }) {
  // Every browser has words of its own for a network that fails, always in a TypeError.
  const text = error instanceof TypeError ? 'The server cannot be reached.' : error.message;
  return (
    <p className="problem" role="alert">
      {text}
    </p>
  );
}
