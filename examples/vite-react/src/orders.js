// The orders as TanStack Query keeps them: fetched again every second, changed before the server has answered.
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { deleteOrder, listOrders, putOrder } from './api.js';

const queryKey = ['orders'];

export function useOrders() {
  // What fails is tried again with the next interval, so it needs no retries of its own.
  return useQuery({ queryKey, queryFn: listOrders, refetchInterval: 1000, retry: false });
}

export function useAddOrder() {
  return useOptimistic(putOrder, (orders, order) => [{ ...order, sending: true }, ...orders]);
}

export function useDeleteOrder() {
  return useOptimistic(deleteOrder, (orders, { id }) => orders.filter((each) => each.id !== id));
}

/** A call whose effect is shown at once, and taken back if it fails. */
function useOptimistic(mutationFn, apply) {
  const client = useQueryClient();
  return useMutation({
    mutationFn,
    async onMutate(order) {
      // A list that is on its way does not know of the change yet.
      await client.cancelQueries({ queryKey });
      const before = client.getQueryData(queryKey) ?? [];
      client.setQueryData(queryKey, apply(before, order));
      return before;
    },
    onError(_error, _order, before) {
      client.setQueryData(queryKey, before);
    },
    onSettled: () => client.invalidateQueries({ queryKey }),
  });
}
