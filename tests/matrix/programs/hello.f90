! SPDX-License-Identifier: BSD-3-Clause
! MPI from Fortran, with quadruple precision. By itself it is libquadmath's up to GCC 12, and libm's
! since; expq and logq, called by their names, are libquadmath's for all.
program hello
    use mpi
    use, intrinsic :: iso_c_binding, only: c_int
    implicit none

    interface
        integer(c_int) function matrix_report(rank, size, total) bind(c)
            import :: c_int
            integer(c_int), value :: rank, size, total
        end function
        subroutine matrix_leave(arguments, status) bind(c)
            import :: c_int
            integer(c_int), value :: arguments, status
        end subroutine
        subroutine finish(status) bind(c, name="exit")
            import :: c_int
            integer(c_int), value :: status
        end subroutine
        function expq(x) bind(c)
            real(selected_real_kind(30)) :: expq
            real(selected_real_kind(30)), value :: x
        end function
        function logq(x) bind(c)
            real(selected_real_kind(30)) :: logq
            real(selected_real_kind(30)), value :: x
        end function
    end interface

    integer, parameter :: quad = selected_real_kind(30)
    integer :: rank, size, total, error
    integer(c_int) :: status
    real(quad) :: x, y
    character(len=64) :: digits

    call MPI_Init(error)
    call MPI_Comm_rank(MPI_COMM_WORLD, rank, error)
    call MPI_Comm_size(MPI_COMM_WORLD, size, error)
    total = -1
    call MPI_Allreduce(rank, total, 1, MPI_INTEGER, MPI_SUM, MPI_COMM_WORLD, error)
    status = matrix_report(rank, size, total)

    ! Through text and back, and through functions: 30 digits have to survive.
    x = real(rank, quad) + 2.0_quad
    write (digits, '(es50.40e4)') x / 3.0_quad
    read (digits, *) y
    if (abs(3.0_quad * y - x) > 1.0e-30_quad * x  &
        .or. abs(exp(log(x)) - x) > 1.0e-30_quad * x &
        .or. abs(expq(logq(x)) - x) > 1.0e-30_quad * x) then
        write (*, '(a,i0,a,a)') 'rank ', rank, ': quadruple precision is WRONG: ', trim(digits)
        status = 1
    end if
    call MPI_Barrier(MPI_COMM_WORLD, error)
    call matrix_leave(int(command_argument_count(), c_int), status)
    call MPI_Finalize(error)
    call finish(status)
end program
